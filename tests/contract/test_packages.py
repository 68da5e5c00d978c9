"""What every cloud's package owes whoever imports it: it loads late what is heavy, and offers its classes by name."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from providers import clouds

CLIENTS = {"boto3", "botocore", "httpx2", "pulumi_aws", "starlette", "tenacity"}


@pytest.mark.parametrize("cloud", clouds())
def test_imports_stay_light(cloud: str) -> None:
    """Finding the clouds loads nothing that programs need, nor checking what only calls need."""
    code = (
        f"import sys, providers; providers.clouds(); from providers import {cloud} as cloud; cloud.CLOUD;"
        f"heavy = {CLIENTS | {'pulumi', 'pydantic'}} & set(sys.modules); assert not heavy, heavy;"
        "getattr(cloud, cloud.__all__[-1]); p = providers.Providers();"
        "[p.provider_for(t, {}, {}).check({}, {}) for t in cloud.CLOUD.types];"
        f"heavy = {CLIENTS} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cloud", clouds())
def test_the_package_offers_its_classes_by_name(cloud: str) -> None:
    package = importlib.import_module(f"providers.{cloud}")
    own = {token.rpartition(":")[2] for token in package.CLOUD.types if token.startswith("pulumi-python:")}
    assert own <= set(dir(package))
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = package.Nothing
