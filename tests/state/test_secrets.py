"""Pass phrase encryption: the same bytes as Pulumi's, wrong pass phrases, damage, and the text an envelope encrypts."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import CredentialsError, InputError, RecordError
from engine.core.model import Options, PendingKind, PendingOperation, Snapshot
from engine.core.values import SECRET, SIGNATURE, UNKNOWN, Asset, ResourceReference, Sealed, Secret
from engine.state.codec import text_of
from engine.state.secrets import Vault, unseal_snapshot, unsealed
from tests.contract.records import resource

# Made by the real pulumi: `stack init` and `config set --secret token 's3cr3t <&>'` under this pass phrase.
PASSPHRASE = "correct horse"
SALT = "v1:StkoSknGWis=:v1:hrzaEW7hDEZZO1tY:gAj/8GXLMik+lWXLl8By99CdaSkU4Q=="
SETTING = "v1:ik0du6uIOdzeqCyx:RFYwdBRQ8qNF5gs67Hj6WGao4nHtGucGCAc="
STATE = {"type": "passphrase", "state": {"salt": SALT}}


@pytest.fixture(scope="module")
def vault() -> Vault:
    return Vault.open(STATE, PASSPHRASE)


class TestOpening:
    def test_what_pulumi_made(self, vault: Vault) -> None:
        assert vault.decrypt(SETTING) == "s3cr3t <&>"
        assert (vault.salt, vault.state) == (SALT, STATE)

    @pytest.mark.parametrize("passphrase", ["", "wrong", "correct horse ", "Correct horse"])
    def test_a_wrong_pass_phrase_is_refused(self, passphrase: str) -> None:
        with pytest.raises(CredentialsError) as refused:
            Vault.open(STATE, passphrase)
        assert refused.value.reference == "passphrase-wrong"
        assert refused.value.exit_code == 3

    @pytest.mark.parametrize(
        "salt",
        ["", "v1", "v2:StkoSknGWis=:x", "v1:???:v1:a:b", "v1:StkoSknGWis=", "v1:Stkos:v1:a:b", "v1:é:v1:a:b"],
    )
    def test_a_malformed_salt_is_refused(self, salt: str) -> None:
        with pytest.raises(CredentialsError) as refused:
            Vault.from_salt(salt, PASSPHRASE)
        assert refused.value.reference in ("salt-malformed", "passphrase-wrong")

    @pytest.mark.parametrize(
        "state",
        [{}, {"type": "service", "state": {"url": "x"}}, {"type": "passphrase"}, {"type": "passphrase", "state": {}}],
    )
    def test_other_kinds_of_providers_are_refused(self, state: dict[str, object]) -> None:
        with pytest.raises(CredentialsError) as refused:
            Vault.open(state, PASSPHRASE)
        assert refused.value.reference == "secrets-provider-unknown"

    def test_a_made_vault_opens_again(self) -> None:
        made = Vault.create("")
        ciphertext = made.encrypt("x")
        assert Vault.open(json.loads(json.dumps(made.state)), "").decrypt(ciphertext) == "x"
        assert made.salt != Vault.create("").salt

    def test_a_pass_phrase_that_is_not_utf8_counts_by_its_bytes(self) -> None:
        made = Vault.create(b"caf\xe9".decode("utf-8", "surrogateescape"))
        assert Vault.from_salt(made.salt, "caf\udce9").salt == made.salt

    @pytest.mark.timeout(20)
    def test_the_key_is_derived_once(self) -> None:
        for _ in range(400):  # 80 s if it were not
            Vault.open(STATE, PASSPHRASE)


class TestEncrypting:
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_there_and_back(self, text: str) -> None:
        vault = Vault.open(STATE, PASSPHRASE)
        ciphertext = vault.encrypt(text)
        assert Vault.open(STATE, PASSPHRASE).decrypt(ciphertext) == text
        assert ciphertext.startswith("v1:")
        assert ciphertext.count(":") == 2

    def test_the_same_text_keeps_its_cipher_text(self) -> None:
        vault = Vault.open(STATE, PASSPHRASE)
        assert vault.decrypt(SETTING) == "s3cr3t <&>"
        assert vault.encrypt("s3cr3t <&>") == SETTING
        assert vault.encrypt("new") == vault.encrypt("new")
        fresh = Vault.open(STATE, PASSPHRASE)
        assert fresh.encrypt("new") != vault.encrypt("new")

    def test_from_many_threads(self) -> None:
        vault = Vault.open(STATE, PASSPHRASE)
        made: list[str] = []
        threads = [
            threading.Thread(target=lambda: made.extend(vault.encrypt(str(n)) for n in range(50))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 400
        assert len(set(made)) == 50

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: "",
            lambda text: "plain",
            lambda text: text[:-4],
            lambda text: text + "AAAA",
            lambda text: text.replace("v1", "v2"),
            lambda text: text[:10] + ("A" if text[10] != "A" else "B") + text[11:],
            lambda text: text[:-6] + ("A" if text[-6] != "A" else "B") + text[-5:],
            lambda text: text + ":x",
            lambda text: text.replace("=", "é"),
            lambda text: Vault.create("other").encrypt("x"),
        ],
    )
    def test_damage_is_told(self, vault: Vault, damage: Callable[[str], str]) -> None:
        with pytest.raises(RecordError) as refused:
            vault.decrypt(damage(SETTING))
        assert refused.value.reference == "secret-damaged"

    def test_what_is_not_unicode_is_refused(self, vault: Vault) -> None:
        with pytest.raises(InputError) as refused:
            vault.encrypt("\ud800")
        assert refused.value.reference == "text-not-unicode"
        with pytest.raises(InputError) as refused:
            vault.seal({"a": ["\ud800"]})
        assert refused.value.path == "a[0]"


class TestSealing:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("s3cr3t <&>", '"s3cr3t \\u003c\\u0026\\u003e"'),
            (1.0, "1"),
            (None, "null"),
            ({"b": [1, 2.5, None, True], "a": "é\u2028"}, '{"a":"é\\u2028","b":[1,2.5,null,true]}'),
            ({"inner": Secret({"x": Secret(1)})}, '{"inner":{"x":1}}'),
            (UNKNOWN, '"04da6b54-80e4-46f7-96ec-b56ff0331ba9"'),
        ],
    )
    def test_the_text_is_the_one_pulumi_makes(self, content: object, text: str) -> None:
        assert text_of(content) == text

    def test_an_envelope_holds_the_json_text(self, vault: Vault) -> None:
        envelope = vault.seal({"user": "ml"})
        assert set(envelope) == {SIGNATURE, "ciphertext"}
        assert envelope[SIGNATURE] == SECRET
        assert vault.decrypt(envelope["ciphertext"]) == '{"user":"ml"}'
        assert vault.content(envelope["ciphertext"]) == {"user": "ml"}

    def test_secrets_inside_are_absorbed(self, vault: Vault) -> None:
        inner = Sealed(vault.seal("deep")["ciphertext"])
        envelope = vault.seal({"a": inner, "b": Secret([1])})
        assert vault.content(envelope["ciphertext"]) == {"a": "deep", "b": [1]}

    def test_marks_that_pulumi_left_inside_are_absorbed(self, vault: Vault) -> None:
        """Inside a secret Pulumi does not encrypt again: there, the `ciphertext` is the text in clear."""
        nested = {
            "a": {SIGNATURE: SECRET, "ciphertext": json.dumps({"b": 1})},
            "c": {SIGNATURE: SECRET, "plaintext": "2"},
        }
        assert vault.content(vault.encrypt(json.dumps(nested))) == {"a": {"b": 1}, "c": 2}

    def test_a_value_spelled_differently_keeps_its_cipher_text(self, vault: Vault) -> None:
        ciphertext = vault.encrypt('{ "z": 1.0,\n "a": "<" }')
        assert vault.seal(vault.content(ciphertext))["ciphertext"] == ciphertext

    def test_special_values_survive(self, vault: Vault) -> None:
        content = {"file": Asset(text="x", hash="h"), "of": ResourceReference("urn:pulumi:a::b::c:d:E::f", "id")}
        assert vault.content(vault.seal(content)["ciphertext"]) == content

    def test_content_that_is_no_json_is_damage(self, vault: Vault) -> None:
        with pytest.raises(RecordError, match="malformed"):
            vault.content(vault.encrypt("not json"))


class TestSnapshots:
    def test_every_secret_is_opened(self, vault: Vault) -> None:
        sealed, unknown = (Sealed(vault.seal(content)["ciphertext"]) for content in ("x", UNKNOWN))
        state = resource(
            "a", inputs={"deep": [{"s": sealed}]}, outputs={"s": sealed}, options=Options(replacement_trigger=sealed)
        )
        pending = PendingOperation(PendingKind.UPDATING, resource("b", outputs={"s": unknown}), 7)
        opened = unseal_snapshot(Snapshot((state, resource("c")), (pending,), "line", 3), vault)
        assert opened.resources[0].inputs == {"deep": [{"s": Secret("x")}]}
        assert opened.resources[0].outputs == {"s": Secret("x")}
        assert opened.resources[0].options.replacement_trigger == Secret("x")
        assert opened.resources[1] == resource("c")
        assert opened.pending[0].resource.outputs == {"s": Secret(UNKNOWN)}
        assert (opened.pending[0].token, opened.lineage, opened.serial) == (7, "line", 3)

    def test_what_holds_no_secret_stays_the_same_object(self, vault: Vault) -> None:
        state = resource("a", outputs={"deep": [{"x": 1}]})
        assert unseal_snapshot(Snapshot((state,)), vault).resources[0] is state
        assert unsealed(state.outputs, vault) is state.outputs

    def test_damage_names_the_resource(self, vault: Vault) -> None:
        with pytest.raises(RecordError) as refused:
            unseal_snapshot(Snapshot((resource("a", inputs={"s": Sealed("v1:x:y")}),)), vault)
        assert refused.value.urn == resource("a").urn


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, tempfile, engine.state, engine.state.secrets\n"
        "from engine.state.backend import StackName\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    backend = engine.state.open_backend(f'sqlite:///{folder}/r.db')\n"
        "    backend.create(StackName('a', 'b'))\n"
        "    backend.stacks()\n"
        "print(*{'cryptography', 'pulumi', 'pydantic', 'rich', 'networkx', 'boto3', 'asyncio'} & set(sys.modules))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "\n"
