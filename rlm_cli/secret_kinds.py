"""The kinds of secrets that are told by how they begin: their names, their shapes, and what is made up.

Covered: KINDS, which begin in a way nothing else does, so that a warning about one is worth reading; FURTHER, which are
too common or too loosely shaped for that, and are hidden all the same. Not covered: what only a name beside it tells
(secret_values.py); where they stand in a text (secrets.py, secret_spans.py).
"""

import re
from dataclasses import dataclass

WORD = rb"(?<![A-Za-z0-9_-])"
"""How most shapes begin: no token begins within a word."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of secret."""

    name: str
    needles: tuple[str, ...]
    """One of them is in every such token, and in little else."""
    shape: bytes
    """An expression; its first group is what somebody would have to make up."""
    beginning: bytes = b""
    """What it begins with, where that is in much else and the needle stands further on."""


def kind(name: str, needles: str, shape: bytes, beginning: bytes = b"") -> Kind:
    # No token begins within a word; what may end it differs.
    return Kind(name, tuple(needles.split()), WORD + shape, beginning)


KINDS = (
    Kind(
        "private key",
        ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"),
        (
            rb"-----BEGIN (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
            # Then its lines, perhaps quoted, escaped or commented: a mere mention has none.
            rb"(?:\\+[nrt]|[\s\"'+,;\\>#*/|]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,80}){1,80}+"
            rb"([A-Za-z0-9+/]{40})"
        ),
        beginning=b"-----BEGIN ",
    ),
    Kind("PuTTY private key", ("Private-Lines: ",), rb"Private-Lines: \d+\s{1,2}([A-Za-z0-9+/]{40})"),
    kind("age secret key", "AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1([02-9AC-HJ-NP-Z]{58})(?![A-Z0-9])"),
    kind("AWS access key id", "AKIA ASIA", rb"A(?:KIA|SIA)([A-Z2-7]{16})(?![A-Za-z0-9+/=_-])"),
    kind("Azure storage key", "AccountKey=", rb"AccountKey=([A-Za-z0-9+/]{86})=="),
    kind("Anthropic key", "sk-ant-", rb"sk-ant-[a-z]{3,5}\d\d-([A-Za-z0-9_-]{80})"),
    kind("DigitalOcean token", "doo_v1_ dop_v1_ dor_v1_", rb"do[opr]_v1_([0-9a-f]{64})(?![A-Za-z0-9])"),
    kind("Docker Hub token", "dckr_pat_", rb"dckr_pat_([A-Za-z0-9_-]{27})(?![A-Za-z0-9_-])"),
    kind("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[opsur]_([A-Za-z0-9]{36})"),
    kind("GitHub token", "github_pat_", rb"github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?![A-Za-z0-9_])"),
    kind("GitLab token", "glpat- gldt- glrt- glptt- glcbt- glsoat-", rb"gl(?:pat|dt|rt|ptt|cbt|soat)-([\w-]{20})"),
    kind("Google API key", "AIza", rb"AIza([A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"),
    kind("Grafana token", "glsa_", rb"glsa_([A-Za-z0-9]{32})_[0-9A-Fa-f]{8}"),
    kind("Hugging Face token", "hf_", rb"hf_([A-Za-z]{34})(?![A-Za-z0-9_-])"),
    kind("npm login", "_authToken=", rb"(?<=:)_authToken=(?:NpmToken\.)?([A-Za-z0-9+/=-]{20})"),
    kind("npm token", "npm_", rb"npm_([A-Za-z0-9]{36})(?![A-Za-z0-9_-])"),
    kind("OpenAI key", "T3BlbkFJ", rb"sk-([A-Za-z0-9_-]{20,100}?T3BlbkFJ[A-Za-z0-9_-]{20})", b"sk-"),
    kind("OpenRouter key", "sk-or-v1-", rb"sk-or-v1-([0-9a-f]{64})(?![A-Za-z0-9])"),
    kind("PyPI token", "pypi-AgE", rb"pypi-AgE([A-Za-z0-9_-]{80})"),
    kind("SendGrid key", "SG.", rb"SG\.([A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])"),
    kind("Shopify token", "shpat_ shpca_ shppa_ shpss_", rb"shp(?:at|ca|pa|ss)_([0-9A-Fa-f]{32})(?![A-Za-z0-9])"),
    kind("Slack token", "xox", rb"xox[abeoprs]-(?:\d{1,2}-)?((?:\d{8,14}-){1,3}[A-Za-z0-9]{18})"),
    kind(
        "Slack webhook",
        "hooks.slack.com/services/",
        rb"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/([A-Za-z0-9]{24})",
    ),
    kind("Stripe key", "rk_live_ sk_live_", rb"[rs]k_live_([A-Za-z0-9]{24})"),
    kind("Vault token", "hvs.", rb"hvs\.([A-Za-z0-9_-]{90})"),
)

FURTHER = (
    kind("1Password token", "ops_eyJ", rb"ops_eyJ([A-Za-z0-9_-]{80})"),
    kind("Alibaba key", "LTAI", rb"LTAI([A-Za-z0-9]{16,24})(?![A-Za-z0-9_-])"),
    kind("Atlassian token", "ATATT3", rb"ATATT3([A-Za-z0-9_=-]{60})"),
    Kind("Azure client secret", ("Q~",), rb"(?<=[A-Za-z0-9_~.-]{3}\d)Q~([A-Za-z0-9_~.-]{31})"),
    Kind("Azure signature", ("sig=",), rb"(?<=[?&;])sig=([A-Za-z0-9%+/]{43,60})"),
    kind("Azure storage key", "SharedAccessKey=", rb"SharedAccessKey=([A-Za-z0-9+/]{43})="),
    kind("CircleCI token", "CCIPAT_", rb"CCIPAT_([A-Za-z0-9_]{40})"),
    kind("Contentful token", "CFPAT-", rb"CFPAT-([A-Za-z0-9_-]{43})"),
    kind("Databricks token", "dapi", rb"dapi([0-9a-f]{32})(?![A-Za-z0-9])"),
    Kind("Discord webhook", ("/api/webhooks/",), rb"/api/webhooks/\d{15,20}/([A-Za-z0-9_-]{60})"),
    kind("Doppler token", "dp.pt. dp.st. dp.ct. dp.sa.", rb"dp\.[a-z]{2}\.(?:[a-z0-9_-]{2,35}\.)?([A-Za-z0-9]{40})"),
    kind("Dynatrace token", "dt0c01.", rb"dt0c01\.[A-Z2-7]{24}\.([A-Z2-7]{64})"),
    kind("Facebook token", "EAA", rb"EAA([A-Za-z0-9]{90})"),
    kind("Figma token", "figd_", rb"figd_([A-Za-z0-9_-]{38})"),
    kind("Fly token", "fm1_ fm2_ fo1_", rb"f[mo][12]_([A-Za-z0-9+/_-]{40})"),
    kind("GitLab token", "glft- glimt- glagent- gloas- glffct-", rb"gl(?:ft|imt|agent|oas|ffct)-([\w-]{20})"),
    kind("Google OAuth secret", "GOCSPX-", rb"GOCSPX-([A-Za-z0-9_-]{28})"),
    kind("Google OAuth token", "ya29.", rb"ya29\.([A-Za-z0-9_-]{40})"),
    kind("Grafana token", "glc_eyJ", rb"glc_eyJ([A-Za-z0-9+/]{30})"),
    kind("Groq key", "gsk_", rb"gsk_([A-Za-z0-9]{40})"),
    kind("Heroku key", "HRKU-", rb"HRKU-([A-Za-z0-9_-]{36})"),
    kind("JFrog key", "AKCp", rb"AKCp([A-Za-z0-9]{60})"),
    kind("JSON web token", "eyJ", rb"eyJ[A-Za-z0-9_-]{10,2000}\.(eyJ[A-Za-z0-9_-]{10,20000}\.[A-Za-z0-9_-]{10})"),
    kind("Linear key", "lin_api_", rb"lin_api_([A-Za-z0-9]{40})"),
    kind("Mailgun key", "key-", rb"key-([0-9a-f]{32})(?![A-Za-z0-9])"),
    kind("New Relic key", "NRAK-", rb"NRAK-([A-Z0-9]{27})"),
    kind("Notion token", "ntn_ secret_", rb"(?:ntn_|secret_)([A-Za-z0-9]{43})(?![A-Za-z0-9_-])"),
    kind("Perplexity key", "pplx-", rb"pplx-([A-Za-z0-9]{48})"),
    kind("PlanetScale token", "pscale_tkn_ pscale_pw_ pscale_oauth_", rb"pscale_[a-z]{2,5}_([A-Za-z0-9_.=-]{32})"),
    kind("Postman key", "PMAK-", rb"PMAK-([0-9a-f]{24}-[0-9a-f]{34})"),
    kind("Pulumi token", "pul-", rb"pul-([0-9a-f]{40})(?![A-Za-z0-9])"),
    kind("Replicate token", "r8_", rb"r8_([A-Za-z0-9]{37})(?![A-Za-z0-9])"),
    kind("RubyGems key", "rubygems_", rb"rubygems_([0-9a-f]{48})"),
    kind("Sendinblue key", "xkeysib-", rb"xkeysib-([0-9a-f]{64}-[A-Za-z0-9]{16})"),
    kind("Sentry token", "sntrys_ sntryu_", rb"sntry[su]_([A-Za-z0-9+/=_-]{40})"),
    kind("Slack token", "xapp-", rb"xapp-\d-[A-Z0-9]{8,14}-\d{8,14}-([0-9a-f]{64})"),
    kind("Square token", "sq0atp- sq0csp-", rb"sq0[a-z]{3}-([A-Za-z0-9_-]{22})"),
    kind("Stripe key", "sk_test_ rk_test_", rb"[rs]k_test_([A-Za-z0-9]{24})"),
    kind("Stripe webhook secret", "whsec_", rb"whsec_([A-Za-z0-9+/]{32})"),
    kind("Supabase token", "sbp_", rb"sbp_([0-9a-f]{40})(?![A-Za-z0-9])"),
    kind("Tailscale key", "tskey-", rb"tskey-[a-z]{3,8}-([A-Za-z0-9]{9,20}-[A-Za-z0-9]{20})"),
    Kind("Telegram bot token", (":AA",), rb"(?<=\d{8}):AA([A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])"),
    Kind("Terraform token", ("atlasv1.",), rb"(?<=[A-Za-z0-9]{14}\.)atlasv1\.([A-Za-z0-9_=-]{60})"),
    kind("Twilio key", "SK", rb"SK([0-9a-f]{32})(?![A-Za-z0-9])"),
    kind("Typeform token", "tfp_", rb"tfp_([A-Za-z0-9_.=-]{40})"),
    kind("Vault token", "hvb.", rb"hvb\.([A-Za-z0-9_-]{90})"),
    kind("xAI key", "xai-", rb"xai-([A-Za-z0-9]{70})"),
    # Last, for others begin so too.
    kind("API key", "sk-", rb"sk-(?:proj-)?([A-Za-z0-9]{32})"),
)

_MADE_UP = re.compile(
    rb"example|sample|dummy|fake|placeholder|redacted|changeme|notreal|your|x{4}|(.)\1{7}|abcdef|a1b2c3|12345|qwerty"
    rb"|eby8vdm02xnocqfl",  # how the key begins that every Azure emulator has
    re.IGNORECASE | re.DOTALL,
)
_VARIED = 8
"""Different characters that the made-up part of a real token always has."""


def is_made_up(part: bytes) -> bool:
    """No real token has this where its random part is."""
    return len(set(part)) < _VARIED or _MADE_UP.search(part) is not None
