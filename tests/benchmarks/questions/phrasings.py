"""What customers write to a shop for household goods: phrasings by hand, each with the label a careful reader gives.

In braces stand slots that say nothing about the label. The hard ones are there on purpose: praise that is meant
otherwise, complaints that sound polite, good news about what went wrong before, questions that name a fault.
"""

LABELS = {
    "delivery": "a complaint about when, where, how or whether the order arrived, or about who brought it",
    "product": "a complaint about the thing itself: broken, badly made, not as described, wrong size or colour",
    "money": "a complaint about a charge, a price, an invoice, a discount or money not paid back",
    "praise": "satisfaction or thanks is the point of the message, even when it tells of a trouble that is over",
    "question": "wants to know something and complains of nothing that has happened to the writer",
}
"""Label -> what it means. A message has one: what its writer is mainly about."""

DELIVERY = (
    "Day {n} of waiting for the {item}. The tracking page has shown the same depot since {day}.",
    "Wonderful service, truly. I took {day} off work and the van drove past my house without slowing down.",
    "Your driver left the {item} in the rain by the bins and called it a safe place.",
    "The {item} was promised for {day}. It is now a week later and nobody can say where it is.",
    "Love how 'next day' means next month with you. Still no {item}, still no news.",
    "The card says a neighbour signed for it. I have asked all of them and none has my {item}.",
    "I can't fault the {item} itself, but it came {n} days late and missed the birthday it was bought for.",
    "Half of the order came on {day}; the other box is apparently touring the country.",
    "The courier refused to carry the {item} up one flight of stairs, though we paid for that.",
    "Box looked as if someone had played football with it. What was inside is in pieces, thanks to the driver.",
    "It isn't that I mind waiting, I mind being told three different days by three different people.",
    "Marked as handed over at 09:14. I was standing at my door at 09:14 and there was no one.",
    "Please stop sending me to the collection point in {place}. I gave my address and I expect it there.",
    "My parcel went to the old address although I changed it before it left the warehouse.",
    "Brilliant, a photo of somebody else's porch as proof. Where is my {item}?",
    "The man who brought it was rude to my mother and threw the parcel over the gate.",
    "Refund me or find it, I no longer care which, but the {item} has been 'out for the last mile' for {n} days.",
    "The {item} works, now that it is here. Getting it here took {n} phone calls, and that is what I am writing about.",
    "Slot was between 8 and 12. They rang at 21:40 and wanted me to come down to the street.",
    "No bell, no knock, just a note on the mat that says they tried. I was in all day.",
    "Three weeks, two apologies, zero parcels. The {item} exists only in your emails.",
    "I have nothing against the product, I simply never got it.",
    "You charged for express and it came by the slowest van in {place}; I want the time back, not the money.",
    "They left it with a shop that closed for the holidays. I can see my parcel through the window.",
    "Someone had opened the package on its way and taped it up again, badly. One part is gone.",
    "Not one update since it left {place}. I had to learn from the carrier that it was lost.",
)
PRODUCT = (
    "The {item} stopped working after {n} days. I have not dropped it or done anything odd with it.",
    "If the aim was a {item} that wobbles, congratulations, you have built a masterpiece.",
    "Came quickly, I'll give you that. The {item} inside has a crack right along its base, from the mould.",
    "The picture shows dark green. What I unpacked is closer to mustard.",
    "It says stainless. It had rust on it after the second wash.",
    "Nice box, shame about the {item}: two of the screw holes were never drilled.",
    "I wanted to like the {item}. It smells of glue even after {n} days by an open window.",
    "The lid does not fit, and it does not fit the replacement you sent either.",
    "My {item} makes a noise like a coffee grinder, and no, it is not a coffee grinder.",
    "The size chart says 60 cm. My tape says 54. One of us is wrong and it is not the tape.",
    "Great value, they said. The handle came off in my hand on the first morning.",
    "The manual is for another model, half the buttons in it do not exist on mine.",
    "Battery lasts about as long as it takes to read this message.",
    "It arrived on time and in one piece and has not worked properly for a single day.",
    "Returned one for the same fault in {month}; the new {item} has it too.",
    "The coating flakes into the food. I have stopped using the {item} and so should everybody.",
    "Your description says dishwasher safe. My dishwasher disagrees, the print is gone.",
    "After {n} weeks the seam of the cover has opened on its own. Nobody has sat on it roughly.",
    "It gets hot at the plug, hot enough that I would not leave it alone in a room.",
    "I paid for oak and got something that swells when it sees a wet glass.",
    "One of the legs is shorter than the rest. I have folded a beer mat under it, elegant it is not.",
    "The app that the {item} needs does not open on any phone in this house.",
    "Colour is right, size is right, and yet the {item} leaks from the very first day.",
    "So much for lifetime quality: the hinge of the {item} lasted until {day}.",
    "The new version is worse than the old one I had from you, thinner and loud.",
    "It would be a fine {item} if its switch did not need three tries each time.",
)
MONEY = (
    "You have taken the amount twice, on {day} and again the day after, for one {item}.",
    "The discount was shown until the very last page and then it wasn't there any more.",
    "How generous: a voucher that only counts if I spend ten times as much.",
    "I sent the {item} back {n} weeks ago, you confirmed it, and my account has seen nothing.",
    "The invoice names a company that I have never worked for. I asked for it to be put right in {month}.",
    "Return was free, the page said. Then why are 7.90 missing from what I got back?",
    "It is not the delivery, that was quick; it's the 14 euros for it that nobody had mentioned.",
    "Price dropped by a third the day after I bought it and you will not even talk about the difference.",
    "I cancelled before it was sent and you still charged me for the {item}.",
    "Thanks for the reminder about a bill that I paid on {day}. The third reminder, to be exact.",
    "My card was debited in another currency, with a fee on top that I did not agree to.",
    "The {item} is lovely. The subscription that came with it, and that I never ordered, is not.",
    "You refunded the {item} but kept the gift wrapping, for a gift that never was.",
    "I was told I would get a credit note within {n} days. I was told so in {month} as well.",
    "The tax on the receipt is wrong, so my office won't take it, and your form for it leads nowhere.",
    "Friends got 20 per cent for bringing me in. What I got was the full price and a nice letter.",
    "The total in the confirmation and the total on my statement differ by 11.50.",
    "Instalments were to start in {month}. You have drawn the whole sum at once.",
    "I don't want another {item}, I want what I paid for the one you could not send.",
    "Funny how the charge takes a second and the way back takes {n} weeks.",
    "A deposit for the box? It says nowhere how I ever see that again.",
    "Your chat promised to match the other shop. The order went through at the old price regardless.",
    "The gift card has 40 on it, your till says it is empty, and nobody can tell me who used it.",
    "I was billed for {n} of them. I ordered one, I received one.",
    "The fee for paying by invoice shows up only after you have agreed to it.",
    "Warranty covers it, the letter says, and next to it lies a bill for the repair.",
)
PRAISE = (
    "I was ready to complain about the delay, and then your colleague {name} solved it within the hour. Thank you.",
    "The {item} has been in use for {n} weeks and I would buy it again tomorrow.",
    "Not a scratch, not a dent, a day early. This is how it should be.",
    "First one broke, yes, but the way you dealt with it was so decent that you have won a customer.",
    "I never write such messages, but the driver carried the {item} to the third floor with a smile.",
    "The money was back on my account before I had even posted the parcel. Impressive.",
    "My only regret is that I did not buy two of the {item}.",
    "After all I had read about late vans I expected the worst. It was here on {day}, as promised.",
    "Please tell {name} in {place} that she is the reason why I stay with you.",
    "The colour is even better than in the picture, and the children fight over the {item}.",
    "No complaints whatsoever, which from me is a compliment.",
    "You corrected the invoice while I was still on the phone. Others need {n} weeks for that.",
    "The {item} is so quiet that I keep checking whether it is on.",
    "I thought the price was steep. Having used it for {n} weeks I think it was a bargain.",
    "It can't have been easy to find the missing box over the holidays, but you did. Many thanks to all.",
    "Well packed, well made, well done.",
    "Mother is 81 and put the {item} together by herself; whoever wrote that manual deserves a rise.",
    "Sorry for my angry mail on {day}, the parcel was at the neighbour's. You were very kind about it.",
    "Five stars would be too few for the {item}. My old one never came close.",
    "The replacement came overnight and works perfectly, so all is forgiven.",
    "A hand-written card in the box! It made my {day}.",
    "Your people in {place} repaired it although the warranty was long over. I won't forget that.",
    "What I like about you is that a human being answers, and that she knows the {item}.",
    "I have bought from you for years and have never once had to send anything back.",
    "The old {item} died after eleven years of daily use. What a {item} it was; I have ordered its successor.",
    "Nothing to add to your survey, except that I felt well looked after from first to last.",
)
QUESTION = (
    "Does the {item} come with a plug for {place}, or do I need an adapter?",
    "Before I order: what happens if the {item} breaks after the warranty has ended?",
    "Can you bring it on a {day}? On other days nobody is here.",
    "Is there a way to pay in {n} instalments without a credit card?",
    "I'm moving to {place} in {month}. How do I change the address for later orders?",
    "My neighbour says hers was scratched when it arrived; do you check the {item} before it leaves?",
    "How long does a refund usually take? I have not sent anything back yet, I just like to know.",
    "Would the {item} fit through a door of 70 cm?",
    "Which is quieter, the small {item} or the large one?",
    "Do you still sell the lid for the old {item}, the one from before {month}?",
    "If I order today, what is the latest I could have it in {place}?",
    "Is the discount for students valid together with the one for newsletters?",
    "Could you tell me whether the green one will be in stock again by {month}?",
    "I read that late parcels are refunded. Is that for every order or only for express?",
    "What are the legs of the {item} made of? The page does not say.",
    "Can an order be split, one half to me and the other to {place}?",
    "Where do I find the number that your form for repairs wants?",
    "I'd like to have the invoice in the name of my company, what do you need from me for that?",
    "Is it safe to leave the {item} on over night? I am asking before I try it.",
    "Do you take back the old {item} when you bring the new one?",
    "Who would I talk to about {n} pieces for our office, and is there a better price for that?",
    "How do I clean the {item} without harming the coating?",
    "Would I have to be at home when it comes, or can it stay with the caretaker?",
    "What is the difference between the two models, apart from 30 euros?",
    "The reviews speak of a humming noise. Has that been dealt with in the new series?",
    "Until when could I give it back if it turns out not to match our kitchen?",
)
BY_LABEL = {"delivery": DELIVERY, "product": PRODUCT, "money": MONEY, "praise": PRAISE, "question": QUESTION}
OPENINGS = ("", "", "", "", "Hello, ", "Good morning. ", "Order {order}: ", "Me again. ", "To whom it may concern: ")
CLOSINGS = (
    "", "", "", "", " Regards, {name}", " Yours, {name}", " Sent from my phone.", " {name}, {place}",
    " My number is {order}.", " Please answer by mail.",
)  # fmt: skip
ASIDES = (
    "The order was placed on a {day}.", "I have been a customer since {month}.", "It is for our flat in {place}.",
    "I wrote on {day} too.", "My partner {name} says I should let you know.", "This is about the {item}.",
    "I ordered by phone this time.", "There are {n} of us in the house.", "The number is on the label.",
    "I am writing from {place}.", "You have my address.", "I also looked at your shop in {place}.",
)  # fmt: skip
"""What may stand before or behind, and means nothing."""
ITEMS = (
    "kettle", "floor lamp", "bookcase", "toaster", "fan", "desk", "mixer", "armchair", "vacuum cleaner", "mirror",
    "frying pan", "air purifier", "drying rack", "bread bin", "heater", "stool", "coffee maker", "wardrobe", "iron",
    "garden table",
)  # fmt: skip
NAMES = (
    "A. Okafor", "Marta", "J. Lindqvist", "Priya", "T. Novak", "Sinead", "Herr Vogt", "Lucía", "D. Petrov", "Amira",
    "K. Tanaka", "Oluwaseun", "B. Moreau", "Greta", "F. Rossi", "Ines",
)  # fmt: skip
PLACES = ("Leeds", "Graz", "Ghent", "Porto", "Turku", "Brno", "Cork", "Lyon", "Aarhus", "Bari", "Gdynia", "Utrecht")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
CHANNELS = ("mail", "chat", "form", "app", "letter")
