"""The six flaws that are planted in the web shop.

Each is a few lines in the manner of the code around them. Nothing in them says what they are.
"""

from benchmarks.questions.patches import Edit, Patch

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
