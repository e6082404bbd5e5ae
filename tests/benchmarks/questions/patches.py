"""What is planted in the web shop: six flaws, three look-alikes, and what was true of it before.

Each change is a few lines in the manner of the code around them. Nothing in them says what they are.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """One replacement in one file."""

    path: str
    old: str
    """Stands there exactly once."""
    new: str
    shown_by: str = ""
    """The part of `new` that shows the flaw; "": all this edit does is lead to it."""


@dataclass(frozen=True)
class Patch:
    """One flaw, or what only looks like one."""

    why: str
    edits: tuple[Edit, ...]
    rules: tuple[str, ...] = ()
    """Ids that name it rightly, the best first; none for a look-alike."""

    def apply(self, folder: Path) -> None:
        """Make the edits. Raises ValueError where the text is not as expected."""
        for edit in self.edits:
            path = folder / edit.path
            text = path.read_text(encoding="utf-8")
            if text.count(edit.old) != 1:
                raise ValueError(f"{edit.path} has {text.count(edit.old)} times: {edit.old!r}")
            path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")

    def truth(self, folder: Path) -> dict[str, object]:
        """Return where it is now: the edits that show it, in the order in which they were written."""
        places = []
        for edit in self.edits:
            if edit.shown_by:
                text = (folder / edit.path).read_text(encoding="utf-8")
                if text.count(edit.shown_by) != 1:
                    raise ValueError(f"{edit.path}: not once: {edit.shown_by!r}")
                first = text.count("\n", 0, text.index(edit.shown_by)) + 1
                places.append([edit.path, first, first + edit.shown_by.count("\n")])
        return {"why": self.why, "rules": list(self.rules), "places": places}


FLAWS = (
    Patch(
        "The column to sort by comes from the query string and is put into SQL by a method of the query set.",
        (
            Edit(
                "oscar/apps/catalogue/managers.py",
                """    def browsable(self):
        \"\"\"
        Excludes non-canonical products and non-public products
        \"\"\"
        return self.filter(parent=None, is_public=True)

    def public(self):
""",
                """    def browsable(self):
        \"\"\"
        Excludes non-canonical products and non-public products
        \"\"\"
        return self.filter(parent=None, is_public=True)

    def ordered_by_stock(self, column, direction="asc"):
        \"\"\"
        Orders by a column of the stock records. A join would repeat products
        that have several of them, so this takes the lowest value of each.
        \"\"\"
        lowest = (
            "SELECT MIN(partner_stockrecord.%s) FROM partner_stockrecord "
            "WHERE partner_stockrecord.product_id = catalogue_product.id" % column
        )
        return self.annotate(
            stock_order=models.expressions.RawSQL(lowest, [])
        ).order_by("-stock_order" if direction == "desc" else "stock_order")

    def public(self):
""",
                """        lowest = (
            "SELECT MIN(partner_stockrecord.%s) FROM partner_stockrecord "
            "WHERE partner_stockrecord.product_id = catalogue_product.id" % column
        )
        return self.annotate(
            stock_order=models.expressions.RawSQL(lowest, [])
        )""",
            ),
            Edit(
                "oscar/apps/dashboard/catalogue/views.py",
                """        queryset = self.filter_queryset(queryset)
        queryset = self.apply_search(queryset)
        return queryset
""",
                """        queryset = self.filter_queryset(queryset)
        queryset = self.apply_search(queryset)
        if "stock_sort" in self.request.GET:
            queryset = queryset.ordered_by_stock(
                self.request.GET["stock_sort"], self.request.GET.get("dir", "asc")
            )
        return queryset
""",
                """            queryset = queryset.ordered_by_stock(
                self.request.GET["stock_sort"], self.request.GET.get("dir", "asc")
            )""",
            ),
        ),
        ("sql-injection",),
    ),
    Patch(
        "Any customer can name another customer's order: the line's order is looked up by its number alone.",
        (
            Edit(
                "oscar/apps/customer/views.py",
                """        order = get_object_or_404(
            Order, user=self.request.user, number=self.kwargs["order_number"]
        )
        return order.lines.get(id=self.kwargs["line_id"])
""",
                """        order = get_object_or_404(Order, number=self.kwargs["order_number"])
        return order.lines.get(id=self.kwargs["line_id"])
""",
                """        order = get_object_or_404(Order, number=self.kwargs["order_number"])
        return order.lines.get(id=self.kwargs["line_id"])""",
            ),
        ),
        (
            "insecure-direct-object-reference",
            "missing-authorization",
            "broken-access-control",
            "incorrect-authorization",
        ),
    ),
    Patch(
        "The name of a saved report comes from the address, slashes included, and is joined to the folder unchecked.",
        (
            Edit(
                "oscar/apps/dashboard/reports/utils.py",
                "from oscar.core.loading import get_class, get_classes\n",
                "import os\n\nfrom django.conf import settings\n\n"
                "from oscar.core.loading import get_class, get_classes\n",
            ),
            Edit(
                "oscar/apps/dashboard/reports/utils.py",
                """            if generator.code == code:
                return generator
        return None
""",
                """            if generator.code == code:
                return generator
        return None


def saved_report_path(name):
    \"\"\"
    Returns where a report lies that was saved by the nightly job
    \"\"\"
    return os.path.join(settings.MEDIA_ROOT, "reports", name)
""",
                """    return os.path.join(settings.MEDIA_ROOT, "reports", name)""",
            ),
            Edit(
                "oscar/apps/dashboard/reports/views.py",
                """from django.http import Http404, HttpResponseForbidden
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.generic import ListView

from oscar.core.loading import get_class

ReportForm = get_class("dashboard.reports.forms", "ReportForm")
""",
                """import os

from django.http import FileResponse, Http404, HttpResponseForbidden
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.generic import ListView, View

from oscar.apps.dashboard.reports.utils import saved_report_path
from oscar.core.loading import get_class

ReportForm = get_class("dashboard.reports.forms", "ReportForm")
""",
            ),
            Edit(
                "oscar/apps/dashboard/reports/views.py",
                """            form = self.report_form_class()
        return TemplateResponse(request, self.template_name, {"form": form})
""",
                """            form = self.report_form_class()
        return TemplateResponse(request, self.template_name, {"form": form})


class SavedReportView(View):
    \"\"\"
    Sends a report that was saved earlier
    \"\"\"

    def get(self, request, *args, **kwargs):
        path = saved_report_path(kwargs["name"])
        if not os.path.isfile(path):
            raise Http404()
        return FileResponse(open(path, "rb"), as_attachment=True)
""",
                """        path = saved_report_path(kwargs["name"])
        if not os.path.isfile(path):
            raise Http404()
        return FileResponse(open(path, "rb"), as_attachment=True)""",
            ),
            Edit(
                "oscar/apps/dashboard/reports/apps.py",
                """        self.index_view = get_class("dashboard.reports.views", "IndexView")
""",
                """        self.index_view = get_class("dashboard.reports.views", "IndexView")
        self.saved_view = get_class("dashboard.reports.views", "SavedReportView")
""",
            ),
            Edit(
                "oscar/apps/dashboard/reports/apps.py",
                """            path("", self.index_view.as_view(), name="reports-index"),
""",
                """            path("", self.index_view.as_view(), name="reports-index"),
            path("saved/<path:name>", self.saved_view.as_view(), name="reports-saved"),
""",
                """            path("saved/<path:name>", self.saved_view.as_view(), name="reports-saved"),""",
            ),
        ),
        ("path-traversal",),
    ),
    Patch(
        "The cookie of recently viewed products is unpickled as the browser sends it.",
        (
            Edit(
                "oscar/apps/customer/history.py",
                "import json\n\nfrom django.conf import settings\n",
                "import base64\nimport pickle\n\nfrom django.conf import settings\n",
            ),
            Edit(
                "oscar/apps/customer/history.py",
                """                ids = json.loads(request.COOKIES[cls.cookie_name])
            except ValueError:
""",
                """                packed = base64.urlsafe_b64decode(request.COOKIES[cls.cookie_name])
                ids = pickle.loads(packed)
            except (ValueError, EOFError, pickle.UnpicklingError):
""",
                """                packed = base64.urlsafe_b64decode(request.COOKIES[cls.cookie_name])
                ids = pickle.loads(packed)""",
            ),
            Edit(
                "oscar/apps/customer/history.py",
                """        response.set_cookie(
            cls.cookie_name, json.dumps(updated_ids), **cls.cookie_kwargs
        )
""",
                """        packed = base64.urlsafe_b64encode(pickle.dumps(updated_ids)).decode("ascii")
        response.set_cookie(cls.cookie_name, packed, **cls.cookie_kwargs)
""",
            ),
        ),
        ("insecure-deserialization",),
    ),
    Patch(
        "After a voucher is removed the browser is sent wherever the form says.",
        (
            Edit(
                "oscar/apps/basket/views.py",
                """    def post(self, request, *args, **kwargs):
        response = redirect("basket:summary")

        voucher_id = kwargs["pk"]
""",
                """    def post(self, request, *args, **kwargs):
        response = redirect(request.POST.get("next") or "basket:summary")

        voucher_id = kwargs["pk"]
""",
                """        response = redirect(request.POST.get("next") or "basket:summary")""",
            ),
        ),
        ("open-redirect",),
    ),
    Patch(
        "The key that confirms and cancels a stock alert without a login is made by a generator that can be foretold.",
        (
            Edit(
                "oscar/apps/customer/abstract_models.py",
                "from django.contrib.auth import models as auth_models\n",
                "import random\nimport string\n\nfrom django.contrib.auth import models as auth_models\n",
            ),
            Edit(
                "oscar/apps/customer/abstract_models.py",
                "from django.utils.crypto import get_random_string\n",
                "",
            ),
            Edit(
                "oscar/apps/customer/abstract_models.py",
                """        return get_random_string(
            length=40, allowed_chars="abcdefghijklmnopqrstuvwxyz0123456789"
        )
""",
                """        chars = string.ascii_lowercase + string.digits
        return "".join(random.choice(chars) for __ in range(40))
""",
                """        return "".join(random.choice(chars) for __ in range(40))""",
            ),
        ),
        ("weak-random",),
    ),
)
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
