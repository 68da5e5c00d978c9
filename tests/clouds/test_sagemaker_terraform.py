"""terraform's own AWS provider against the SageMaker emulator: an independent client that takes nothing from us.

One `terraform test` applies all eight types and the IAM they need, plans again (which must find nothing to do) and
destroys. It runs where a `terraform` binary and the hashicorp/aws provider are on the machine, and takes about 30 s of
CPU there: each of terraform's eight walks has the provider judge its own schema anew, for 3 s. Attaching to a provider
that runs already (its -debug) saves but a tenth of that, and one command after the other reads the schema more often.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.sagemaker.emulator import ACCESS_KEY, SECRET_KEY
from tests.clouds.sagemaker_cloud import served

# Where terraform itself looks for providers, what names a mirror in the environment, and a usual place for one.
PLACES = (
    os.environ.get("TF_PLUGIN_CACHE_DIR"),
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/tf-plugins",
)

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "url" {}
variable "access_key" {}
variable "secret_key" {}

provider "aws" {
  region                  = "eu-west-1"
  access_key              = var.access_key
  secret_key              = var.secret_key
  skip_metadata_api_check = true
  endpoints {
    sagemaker = var.url
    iam       = var.url
    sts       = var.url
  }
}

resource "aws_iam_role" "sm" {
  name        = "sm"
  description = "for workspaces"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "sagemaker.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
  tags = { team = "a" }
}

resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.sm.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
}

resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.sm.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
}

resource "aws_sagemaker_notebook_instance_lifecycle_configuration" "hooks" {
  name     = "hooks"
  on_start = base64encode("echo hello")
}

resource "aws_sagemaker_code_repository" "repo" {
  code_repository_name = "repo"
  git_config {
    repository_url = "https://example.org/a.git"
    branch         = "main"
  }
}

resource "aws_sagemaker_studio_lifecycle_config" "lab" {
  studio_lifecycle_config_name     = "lab"
  studio_lifecycle_config_app_type = "JupyterLab"
  studio_lifecycle_config_content  = base64encode("echo hello")
}

resource "aws_sagemaker_notebook_instance" "nb" {
  name                    = "My-Notebook"
  instance_type           = "ml.t3.medium"
  role_arn                = aws_iam_role.sm.arn
  lifecycle_config_name   = aws_sagemaker_notebook_instance_lifecycle_configuration.hooks.name
  default_code_repository = aws_sagemaker_code_repository.repo.code_repository_name
  subnet_id               = "subnet-0123456789abcdef0"
  security_groups         = ["sg-0123456789abcdef0"]
  direct_internet_access  = "Disabled"
  volume_size             = 20
  tags                    = { team = "a" }
}

resource "aws_sagemaker_domain" "lab" {
  domain_name = "lab"
  auth_mode   = "IAM"
  vpc_id      = "vpc-0123456789abcdef0"
  subnet_ids  = ["subnet-0123456789abcdef0"]
  default_user_settings {
    execution_role = aws_iam_role.sm.arn
    jupyter_lab_app_settings {
      lifecycle_config_arns = [aws_sagemaker_studio_lifecycle_config.lab.arn]
      default_resource_spec {
        instance_type = "ml.t3.medium"
      }
    }
  }
  retention_policy {
    home_efs_file_system = "Delete"
  }
}

resource "aws_sagemaker_user_profile" "alice" {
  domain_id         = aws_sagemaker_domain.lab.id
  user_profile_name = "alice"
  user_settings {
    execution_role = aws_iam_role.sm.arn
  }
}

resource "aws_sagemaker_space" "alice" {
  domain_id  = aws_sagemaker_domain.lab.id
  space_name = "alice-space"
  ownership_settings {
    owner_user_profile_name = aws_sagemaker_user_profile.alice.user_profile_name
  }
  space_sharing_settings {
    sharing_type = "Private"
  }
  space_settings {
    app_type = "JupyterLab"
    space_storage_settings {
      ebs_storage_settings {
        ebs_volume_size_in_gb = 5
      }
    }
  }
}

resource "aws_sagemaker_app" "lab" {
  domain_id  = aws_sagemaker_domain.lab.id
  space_name = aws_sagemaker_space.alice.space_name
  app_name   = "default"
  app_type   = "JupyterLab"
  resource_spec {
    instance_type = "ml.t3.large"
  }
}

resource "aws_sagemaker_app" "server" {
  domain_id         = aws_sagemaker_domain.lab.id
  user_profile_name = aws_sagemaker_user_profile.alice.user_profile_name
  app_name          = "default"
  app_type          = "JupyterServer"
}
"""
STORY = """
run "apply" {
  command = apply
}
run "again" {
  command = plan
}
"""
RESOURCES = MAIN.count('\nresource "')


def provider_folder() -> Path | None:
    """The folder of the newest unpacked hashicorp/aws provider on this machine."""

    def found() -> Iterator[Path]:
        for place in filter(None, PLACES):
            yield from Path(place).expanduser().glob("registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*")

    newest = max(found(), key=lambda path: [int(part) for part in path.parent.parent.name.split(".")], default=None)
    return newest.parent if newest else None


@pytest.mark.timeout(400)
def test_terraform_applies_finds_no_drift_and_destroys(tmp_path: Path) -> None:
    terraform, provider = shutil.which("terraform"), provider_folder()
    if terraform is None:
        pytest.skip("there is no terraform binary on this machine")
    if provider is None:
        pytest.skip("the hashicorp/aws provider for terraform is not on this machine")
    (tmp_path / "main.tf").write_text(MAIN)
    (tmp_path / "story.tftest.hcl").write_text(STORY)
    # an override needs neither `terraform init` nor a checksum of 700 MB
    overrides = f'dev_overrides {{\n "hashicorp/aws" = {json.dumps(str(provider))}\n }}\n direct {{}}'
    (tmp_path / "cli.tfrc").write_text(f"provider_installation {{\n {overrides}\n}}\n")
    with served(tmp_path / "cloud", speed="instant") as cloud:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "CHECKPOINT_DISABLE": "1",
            "NO_PROXY": "127.0.0.1",
            "TF_CLI_CONFIG_FILE": str(tmp_path / "cli.tfrc"),
            "TF_VAR_url": cloud.url,
            "TF_VAR_access_key": ACCESS_KEY,
            "TF_VAR_secret_key": SECRET_KEY,
        }
        ended = subprocess.run(
            [terraform, "test", "-json", "-verbose"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=360,
            check=False,
        )
        errors = "\n".join(line for line in ended.stdout.splitlines() if '"@level":"error"' in line)
        calls = "\n".join(map(str, cloud.file.log()))
        assert ended.returncode == 0, f"{errors}\n{ended.stderr[-2000:]}\n{calls}"
        plans = [line["test_plan"] for line in map(json.loads, ended.stdout.splitlines()) if "test_plan" in line]
        changes = {each["address"]: each["change"]["actions"] for plan in plans for each in plan["resource_changes"]}
        assert len(changes) == RESOURCES
        assert set(map(tuple, changes.values())) == {("no-op",)}, changes
        assert cloud.file.objects() == []
        wrote = [line["operation"] for line in cloud.file.log() if line["operation"].startswith(("Create", "Delete"))]
        assert len(wrote) == 2 * (RESOURCES - 3)  # each was made and deleted once
