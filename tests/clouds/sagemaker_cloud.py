"""The SageMaker emulator as its tests see it: boto3 clients, a file whose clock stands still, a signer of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from providers.emulation import CloudFile, serve
from providers.sagemaker.emulator import ACCESS_KEY, SECRET_KEY, SageMakerEmulator

NOON: Final = 1_700_000_000.0  # where the emulator's clock stands
REGION: Final = "eu-west-1"
ACCOUNT: Final = "111122223333"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/before-us"
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

# No retries: a test wants to see the first answer. No checks on this side: the emulator's are meant.
CONFIG: Final = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=10)


def arn(part: str, *, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:sagemaker:{region}:{account}:{part}"


class Cloud:
    """The served emulator, and clients of it."""

    def __init__(self, file: CloudFile, url: str, http: httpx2.Client) -> None:
        self.file, self.url, self.http = file, url, http
        self.strangers: list[str] = []
        self._clients: dict[tuple[str, ...], Any] = {}
        self.sm = self.client()
        self.iam = self.client("iam")

    def client(
        self,
        service: str = "sagemaker",
        *,
        region: str = REGION,
        key: str = ACCESS_KEY,
        secret: str = SECRET_KEY,
        token: str | None = None,
    ) -> Any:
        """A client, made once: each costs 50 ms."""
        wanted = (service, region, key, secret, token or "")
        if wanted not in self._clients:
            made = boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.url,
                region_name=region,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=CONFIG,
            )
            made.meta.events.register("before-parse.sagemaker.*", self._judge_answer)
            self._clients[wanted] = made
        return self._clients[wanted]

    def close(self) -> None:
        for each in self._clients.values():
            each.close()

    def switch(self, name: str, value: str) -> None:
        self.file.set_switch("sagemaker", name, value)

    def fault(self, kind: str, operation: str = "*", **more: Any) -> None:
        self.file.add_fault("sagemaker", kind, operation, **more)

    def advance(self, seconds: float) -> None:
        self.file.advance(seconds)

    def no(self, code: str, operation: str, service: str = "sagemaker", **members: Any) -> str:
        """The text of a refusal with this code."""
        client = self.sm if service == "sagemaker" else self.client(service)
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)(**members)
        assert refused.value.response["Error"]["Code"] == code, refused.value
        return refused.value.response["Error"]["Message"]

    # Objects, made the short way

    def notebook(self, name: str = "nb", **more: Any) -> str:
        """A notebook in service; its ARN."""
        members = {"NotebookInstanceName": name, "InstanceType": "ml.t3.medium", "RoleArn": ROLE, **more}
        made = self.sm.create_notebook_instance(**members)["NotebookInstanceArn"]
        self.advance(240)
        return made

    def stopped(self, name: str = "nb", **more: Any) -> str:
        """A stopped notebook; its ARN."""
        made = self.notebook(name, **more)
        self.sm.stop_notebook_instance(NotebookInstanceName=name)
        self.advance(120)
        return made

    def domain(self, name: str = "lab", **more: Any) -> str:
        """A domain in service; its ID."""
        made = self.sm.create_domain(**{**DOMAIN, "DomainName": name, **more})["DomainId"]
        self.advance(180)
        return made

    def profile(self, domain: str, name: str = "alice", **more: Any) -> str:
        """A profile in service; its ARN."""
        made = self.sm.create_user_profile(DomainId=domain, UserProfileName=name, **more)["UserProfileArn"]
        self.advance(15)
        return made

    def space(self, domain: str, name: str = "space", **more: Any) -> str:
        """A space in service; its ARN."""
        made = self.sm.create_space(DomainId=domain, SpaceName=name, **more)["SpaceArn"]
        self.advance(15)
        return made

    def app(self, domain: str, **more: Any) -> str:
        """An app in service; its ARN."""
        key = more if "SpaceName" in more else {**JUPYTER, **more}
        made = self.sm.create_app(DomainId=domain, **key)["AppArn"]
        self.advance(90)
        return made

    def role(self, name: str = "sm", trust: Any = None) -> str:
        """A role; its ARN."""
        document = json.dumps(TRUST if trust is None else trust)
        return self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]

    # The wire

    def post(
        self, headers: Mapping[str, str], body: bytes, *, method: str = "POST", path: str = "/"
    ) -> httpx2.Response:
        return self.http.request(method, self.url + path, content=body, headers=dict(headers))

    def signed(
        self, operation: str, body: bytes = b"{}", *, method: str = "POST", path: str = "/", **more: Any
    ) -> httpx2.Response:
        """A request to SageMaker with our own signature."""
        headers = {"x-amz-target": f"SageMaker.{operation}", "content-type": "application/x-amz-json-1.1"}
        headers |= more.pop("headers", {})
        return self.post(self.sign(body, headers, method=method, path=path, **more), body, method=method, path=path)

    def sign(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        path: str = "/",
        service: str = "sagemaker",
        region: str = REGION,
        key: str = ACCESS_KEY,
        secret: str = SECRET_KEY,
        at: float | None = None,
        unsigned: tuple[str, ...] = (),
    ) -> dict[str, str]:
        """Signature Version 4, read once more."""
        now = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        found = {**headers, "host": self.url.removeprefix("http://"), "x-amz-date": stamp}
        named = sorted(name for name in found if name not in unsigned)
        lines = [method, path, "", *(f"{name}:{' '.join(found[name].split())}" for name in named), "", ";".join(named)]
        lines.append(hashlib.sha256(body).hexdigest())
        scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        secret_bytes = ("AWS4" + secret).encode()
        for part in (stamp[:8], region, service, "aws4_request"):
            secret_bytes = hmac.new(secret_bytes, part.encode(), hashlib.sha256).digest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode()
        signature = hmac.new(secret_bytes, text, hashlib.sha256).hexdigest()
        found["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(named)}, Signature={signature}"
        )
        return found

    def _judge_answer(self, operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
        """Every answer holds only members the service model has, of the model's types, and no null."""
        if response_dict["status_code"] == 200 and response_dict["body"]:
            shape = operation_model.output_shape
            assert shape is not None or json.loads(response_dict["body"]) == {}
            if shape is not None:
                self.strangers.extend(strangers(shape, json.loads(response_dict["body"]), operation_model.name))


PYTHON: Final = {
    "structure": dict, "list": list, "string": str, "boolean": bool, "integer": int, "long": int,
    "timestamp": (int, float),
}  # fmt: skip


def strangers(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Paths in an answer that the model does not know."""
    if not isinstance(value, PYTHON[shape.type_name]):
        yield f"{path} is {value!r}"
    elif shape.type_name == "structure":
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
        for name, each in value.items():
            if name in shape.members:
                yield from strangers(shape.members[name], each, f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif shape.type_name == "list":
        for at, each in enumerate(value):
            yield from strangers(shape.member, each, f"{path}[{at}]")


DOMAIN: Final[dict[str, Any]] = {
    "DomainName": "lab",
    "AuthMode": "IAM",
    "DefaultUserSettings": {"ExecutionRole": ROLE},
    "VpcId": "vpc-0a",
    "SubnetIds": ["subnet-0a"],
}
NOTEBOOK: Final[dict[str, Any]] = {"NotebookInstanceName": "nb", "InstanceType": "ml.t3.medium", "RoleArn": ROLE}
JUPYTER: Final = {"UserProfileName": "alice", "AppType": "JupyterServer", "AppName": "default"}


@contextmanager
def served(folder: Path, *, speed: str = "real") -> Iterator[Cloud]:
    """The emulator over a new file."""
    with (
        CloudFile(folder / "cloud.db") as file,
        serve([SageMakerEmulator], file, speed=speed) as server,
        httpx2.Client(timeout=10) as http,
    ):
        cloud = Cloud(file, server.urls["sagemaker"], http)
        yield cloud
        cloud.close()


@contextmanager
def fresh(cloud: Cloud) -> Iterator[None]:
    """An empty cloud whose clock stands still; afterwards, every answer was one the service model allows."""
    cloud.file.reset()
    cloud.file.freeze(NOON)
    yield
    found, cloud.strangers = cloud.strangers, []
    assert not found


@contextmanager
def moto_server() -> Iterator[str]:
    """The URL of moto's server; the test is skipped where moto is not installed."""
    pytest.importorskip("moto", reason="moto[server] is not installed: no second opinion")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        server.stop()
