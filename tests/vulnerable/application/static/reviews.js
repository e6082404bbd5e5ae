(function () {
  "use strict";

  const list = document.getElementById("reviews");

  function show(reviews) {
    list.replaceChildren();
    for (const review of reviews) {
      const item = document.createElement("li");
      const author = document.createElement("strong");
      author.textContent = review.author;
      const text = document.createElement("p");
      text.innerHTML = review.text.replace(/\n/g, "<br>");
      item.append(author, text);
      list.append(item);
    }
  }

  async function load() {
    const reply = await fetch("/plants/" + encodeURIComponent(list.dataset.plant) + "/reviews");
    if (!reply.ok) {
      list.textContent = "The reviews could not be loaded.";
      return;
    }
    show(await reply.json());
  }

  load();
})();
