"""What is planted in the web shop and only looks like a flaw, and what was true of it before."""

from benchmarks.questions.patches import Edit, Patch

LOOK_ALIKES = (
    Patch(
        "Raw SQL, but the code is a parameter of it.",
        (
            Edit(
                "oscar/apps/voucher/utils.py",
                "from django.utils.crypto import get_random_string\n",
                "from django.db import connection\nfrom django.utils.crypto import get_random_string\n",
            ),
            Edit(
                "oscar/apps/voucher/utils.py",
                "from django.utils.crypto import get_random_string\n\n",
                """from django.utils.crypto import get_random_string


def times_used(code):
    \"\"\"
    Returns how many orders have used a voucher, deleted ones included
    \"\"\"
    query = (
        "SELECT COUNT(*) FROM voucher_voucherapplication AS used "
        "JOIN voucher_voucher AS voucher ON voucher.id = used.voucher_id "
        "WHERE voucher.code = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [code])
        return cursor.fetchone()[0]

""",
                """        cursor.execute(query, [code])
        return cursor.fetchone()[0]""",
            ),
        ),
    ),
    Patch(
        "A redirect to an address from the form, but only within the same host.",
        (
            Edit(
                "oscar/apps/catalogue/reviews/views.py",
                "from django.utils.translation import gettext_lazy as _\n",
                "from django.utils.http import url_has_allowed_host_and_scheme\n"
                "from django.utils.translation import gettext_lazy as _\n",
            ),
            Edit(
                "oscar/apps/catalogue/reviews/views.py",
                """        return redirect_to_referrer(request, product.get_absolute_url())
""",
                """        next_url = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(next_url, {request.get_host()}):
            return redirect(next_url)
        return redirect_to_referrer(request, product.get_absolute_url())
""",
                """        if url_has_allowed_host_and_scheme(next_url, {request.get_host()}):
            return redirect(next_url)""",
            ),
        ),
    ),
    Patch(
        "A file named by the address, but by way of a fixed table.",
        (
            Edit(
                "oscar/apps/dashboard/ranges/views.py",
                "from io import TextIOWrapper\n",
                "import os\nfrom io import TextIOWrapper\n",
            ),
            Edit(
                "oscar/apps/dashboard/ranges/views.py",
                "from django.db.models import Count\n",
                "from django.db.models import Count\nfrom django.http import FileResponse, Http404\n",
            ),
            Edit(
                "oscar/apps/dashboard/ranges/views.py",
                """class RangeListView(ListView):
    model = Range
""",
                """class RangeSampleView(View):
    \"\"\"
    Sends an example of the files that can be uploaded for a range
    \"\"\"

    samples = {"upc": "range_by_upc.csv", "sku": "range_by_sku.csv"}

    def get(self, request, *args, **kwargs):
        filename = self.samples.get(kwargs["sample"])
        if filename is None:
            raise Http404()
        path = os.path.join(settings.MEDIA_ROOT, "samples", filename)
        return FileResponse(open(path, "rb"), as_attachment=True)


class RangeListView(ListView):
    model = Range
""",
                """        path = os.path.join(settings.MEDIA_ROOT, "samples", filename)
        return FileResponse(open(path, "rb"), as_attachment=True)""",
            ),
            Edit(
                "oscar/apps/dashboard/ranges/apps.py",
                """        self.reorder_view = get_class("dashboard.ranges.views", "RangeReorderView")
""",
                """        self.reorder_view = get_class("dashboard.ranges.views", "RangeReorderView")
        self.sample_view = get_class("dashboard.ranges.views", "RangeSampleView")
""",
            ),
            Edit(
                "oscar/apps/dashboard/ranges/apps.py",
                """            path("create/", self.create_view.as_view(), name="range-create"),
""",
                """            path("create/", self.create_view.as_view(), name="range-create"),
            path("samples/<str:sample>/", self.sample_view.as_view(), name="range-sample"),
""",
            ),
        ),
    ),
)
ALSO_TRUE = (
    ("oscar/apps/customer/alerts/views.py", "open-redirect"),
    ("oscar/apps/catalogue/utils.py", "zip-slip"),
    ("oscar/apps/wishlists/abstract_models.py", "weak-random"),
)
"""(path, rule) of what the shop had before, and a reader may rightly name."""
