"""Access to S3: a client through boto3's own chain of credentials, and what its errors mean for who set it up.

No message repeats a text of AWS or botocore, which may hold an access key id, a token or a signed query. It names
the code, the setting and the way out; the policies are in docs/aws.md.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ingestion.access.limits import check_time
from ingestion.access.session import limited_pool, without_query
from ingestion.errors import BadInput, IngestionError, SettingError, TornDelivery, VendorError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

GUIDE = "docs/aws.md"

# botocore's own retries of a call (its standard mode, with back-off), and its time-outs, seconds.
ATTEMPTS = 5
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 120

REPLACED = frozenset({"412", "PreconditionFailed"})
ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
DENIED = frozenset({"401", "403", "AccessDenied", "AllAccessDisabled", "Forbidden"})
WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "UnrecognizedClientException"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"})
ARCHIVED = frozenset({"InvalidObjectState"})
BUSY = frozenset({"SlowDown", "RequestTimeout", "Throttling", "InternalError", "ServiceUnavailable"})
ELSEWHERE = frozenset(
    {"301", "307", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
# What boto3's chain asks of others before S3 is asked anything.
ROLE_CALLS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
SSO_CALLS = frozenset({"GetRoleCredentials", "CreateToken"})


@dataclass(frozen=True)
class Access:
    """Whose credentials are used, and the settings that name them. `setting` is the one that holds the URL."""

    setting: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None

    @property
    def url_setting(self) -> str:
        return self.setting or "the URL"

    def beside(self, name: str) -> str:
        """Another setting of the same source."""
        return f"{self.setting.rpartition('.')[0]}.{name}" if self.setting else f"the setting {name}"

    @property
    def credentials(self) -> str:
        """Where the credentials come from."""
        if self.profile:
            return f"the AWS profile {self.profile!r} ({self.beside('profile')})"
        if os.environ.get("AWS_PROFILE"):
            return f"the AWS profile {os.environ['AWS_PROFILE']!r} (AWS_PROFILE)"
        return f"the AWS credentials (none are chosen by {self.beside('profile')}: boto3's own chain)"

    @property
    def option(self) -> str:
        """The AWS command line's option for the profile."""
        name = self.profile or os.environ.get("AWS_PROFILE")
        return f" --profile {name}" if name else ""


@cache
def _limit_connections() -> None:
    """Have all connections of botocore keep to the limits that are applied: also those that ask for credentials.

    botocore has no way to pass connections in; where no limit is applied they are as they were.
    """
    from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool

    for pool in (AWSHTTPConnectionPool, AWSHTTPSConnectionPool):
        pool.ConnectionCls = limited_pool(pool).ConnectionCls  # type: ignore[assignment]


def connect(access: Access) -> S3Client:
    """An S3 client. Raises SettingError where the configuration can't be read; credentials are tried by the first call."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    _limit_connections()
    config = Config(
        retries={"max_attempts": ATTEMPTS, "mode": "standard"},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    )
    try:
        session = boto3.Session(profile_name=access.profile)
        client: S3Client = session.client("s3", endpoint_url=access.endpoint_url, config=config)
    except BotoCoreError as error:
        raise explained(error, access.url_setting, access) from None
    except ValueError:
        # botocore's error for an endpoint that is no URL.
        raise SettingError(
            f"{access.beside('endpoint_url')}: not a URL; write https://host, or http://host:port"
        ) from None
    client.meta.events.register("before-call.s3.HeadBucket", _ask_nobody)
    client.meta.events.register("before-send.s3", _in_time)
    return client


def _in_time(**_: object) -> None:
    """Keep botocore from trying again when the time of the call is over."""
    check_time()


# What AWS calls an error, a region and a key. What has another shape may be anything, and is not repeated.
CODE = re.compile(r"([A-Z]{1,5}\.)?([A-Z]{1,5}[a-z]+)+|XAmzContentSHA256Mismatch|[1-5][0-9][0-9]")
REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}")
KMS_KEY = re.compile(
    r"arn:aws(-[a-z]+)*:kms:[a-z0-9-]{1,25}:[0-9]{12}:(key/[0-9a-f-]{36}|key/mrk-[0-9a-f]{32}|alias/[\w/-]{1,60})(?![\w/-])"
)
LONGEST_CODE = 64


def _known_shape(shape: re.Pattern[str], value: object) -> str:
    text = str(value or "")
    return text if len(text) <= LONGEST_CODE and shape.fullmatch(text) else ""


def _ask_nobody(**_: object) -> None:
    """Keep botocore from asking by HEAD for the region of a bucket that redirects without naming one.

    S3 names it. Where another redirects (a proxy, to https) the HEAD is redirected too, and asks again without end.
    """
    from botocore.exceptions import ClientError

    raise ClientError({"ResponseMetadata": {"HTTPHeaders": {}}}, "HeadBucket")  # type: ignore[typeddict-item]


def explained(error: Exception, where: str, access: Access, action: str = "s3:GetObject") -> IngestionError:
    """Our error for one of botocore's. `where` is the object's URL, `action` what IAM calls the call that failed.

    What is wrong with one object is BadInput or TornDelivery (its slice is refused, the others go on); what is wrong
    with credentials or settings is SettingError; what may pass by itself is VendorError.
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        if error.operation_name in ROLE_CALLS | SSO_CALLS:
            return _no_credentials_given(error, where, access)
        return _refused(error, where, access, action)
    return _no_answer(error, where, access)


def _refused(error: ClientError, where: str, access: Access, action: str) -> IngestionError:
    """What S3's answer means."""
    body = error.response.get("Error", {})
    code = _known_shape(CODE, body.get("Code"))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = str(body.get("Message", ""))
    if code in ELSEWHERE:
        return _elsewhere(error, where, access, code)
    if code.startswith("KMS.") or (code in DENIED and "kms:" in message.lower()):
        return _encrypted(where, access, code, message)
    who = access.credentials
    meanings: tuple[tuple[frozenset[str], type[IngestionError], str], ...] = (
        (REPLACED, TornDelivery, "was replaced while it was being read"),
        (ABSENT, BadInput, "no such object"),
        (frozenset({"NoSuchBucket"}), SettingError, f"no such bucket: check {access.url_setting}"),
        (WRONG_KEYS, SettingError, f"wrong keys, or keys of another place: check {who}"),
        (
            EXPIRED,
            SettingError,
            f"expired credentials: check {who}; log in again (`aws sso login{access.option}`), or choose with "
            f"{access.beside('profile')} some that renew themselves",
        ),
        (
            DENIED,
            # Who may list but not read one object lacks that object; who may not even list has the wrong credentials.
            BadInput if action == "s3:GetObject" else SettingError,
            f"access was refused: {who} needs {action} on it, in its own policy and, where the bucket is another "
            f"account's, in the bucket's ({GUIDE})",
        ),
        (ARCHIVED, BadInput, "is archived (storage class GLACIER or DEEP_ARCHIVE): restore it first"),
        (
            frozenset({"RequestTimeTooSkewed"}),
            SettingError,
            "this machine's clock is wrong by more than AWS accepts",
        ),
    )
    for codes, kind, meaning in meanings:
        if code in codes:
            return kind(f"{where}: {meaning} [{code}]")
    answered = f"{where}: S3 answered {code or status}"
    if status >= 500 or code in BUSY:
        # botocore takes a web page in place of a listing for a 500, too.
        check = f", and check {access.beside('endpoint_url')}" if access.endpoint_url else ""
        return VendorError(f"{answered} to {ATTEMPTS} attempts; try again later{check}")
    return BadInput(answered)


def _elsewhere(error: ClientError, where: str, access: Access, code: str) -> IngestionError:
    """The bucket is in another region, and botocore did not find the way by itself."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = _known_shape(
        REGION, error.response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region")
    )
    is_in = f"the bucket is in {region}" if region else "the bucket is in another region"
    if not region and code == "AuthorizationHeaderMalformed":
        is_in += ", or the access key id is none"
    way_out = f"set AWS_DEFAULT_REGION, or `region` in the profile that {access.beside('profile')} names"
    if access.endpoint_url:
        way_out += f"; {access.beside('endpoint_url')} must be that region's, and https where http is redirected"
    return SettingError(f"{where}: {is_in} [{code}]: {way_out}")


def _encrypted(where: str, access: Access, code: str, message: str) -> IngestionError:
    """The object's KMS key is out of reach: the object is there, and can't be decrypted."""
    key = KMS_KEY.search(message)
    named = f"KMS key {key.group(0)}" if key else "a KMS key"
    return BadInput(
        f"{where}: is encrypted with {named} that {access.credentials} may not use [{code}]: allow kms:Decrypt on it, "
        f"in the key's policy too where the key is another account's ({GUIDE})"
    )


def _no_credentials_given(error: ClientError, where: str, access: Access) -> IngestionError:
    """A role or an SSO session did not give credentials."""
    code = _known_shape(CODE, error.response.get("Error", {}).get("Code"))
    if error.operation_name in ROLE_CALLS:
        return SettingError(
            f"{where}: the role of {access.credentials} can't be assumed [{code}]: its trust policy must name who asks "
            f"(and the external id, if it wants one), and who asks must be allowed sts:AssumeRole on it ({GUIDE})"
        )
    if code == "ForbiddenException":
        return SettingError(
            f"{where}: {access.credentials} names an account or role that this SSO user is not assigned [{code}]"
        )
    return _log_in(where, access, "aws sso login", code)


def _log_in(where: str, access: Access, command: str, why: str) -> IngestionError:
    return SettingError(
        f"{where}: the session of {access.credentials} has expired or was never begun ({why}): "
        f"run `{command}{access.option}`"
    )


def no_terminal(where: str, access: Access) -> IngestionError:
    """botocore asks for an MFA code where there is nobody to give it."""
    return SettingError(
        f"{where}: {access.credentials} wants an MFA code, and a refresh has nobody to ask: use SSO, or a role without MFA"
    )


def _no_answer(error: Exception, where: str, access: Access) -> IngestionError:
    """botocore did not get as far as an answer."""
    from botocore import exceptions as of
    from botocore.parsers import ResponseParserError

    kind = type(error).__name__
    if isinstance(error, of.SSOError | of.TokenRetrievalError | of.NoAuthTokenError):
        return _log_in(where, access, "aws sso login", kind)
    if isinstance(error, of.LoginError):
        return _log_in(where, access, "aws login", kind)
    if isinstance(error, of.HTTPClientError | of.ConnectionError):
        check = f": check {access.beside('endpoint_url')}" if access.endpoint_url else ""
        place = without_query(access.endpoint_url) if access.endpoint_url else "AWS"
        return VendorError(f"{where}: {place} can't be reached ({kind}){check}")
    if isinstance(error, of.ProfileNotFound):
        config = os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")
        reason = (
            f"there is no {access.credentials} in {config}; `aws configure list-profiles` names those there are"
        )
    elif isinstance(error, of.NoCredentialsError):
        reason = (
            f"no AWS credentials were found: set {access.beside('profile')}, or AWS_ACCESS_KEY_ID and "
            f"AWS_SECRET_ACCESS_KEY, or run where a role is attached ({GUIDE})"
        )
    elif isinstance(error, ResponseParserError):
        reason = f"what answers is no AWS service: check {access.beside('endpoint_url')} and AWS_ENDPOINT_URL…"
    elif isinstance(error, of.ParamValidationError):
        reason = f"no valid bucket or key: check {access.url_setting}"
    else:
        # A configuration that contradicts itself, a credential process that fails, a region that is none.
        reason = f"{access.credentials} can't be used ({kind}): see `aws configure list{access.option}`"
    return SettingError(f"{where}: {reason}")
