"""What init_secrets.py writes, and what it leaves alone."""

import base64
import hashlib
import json
import unittest

from botocore.exceptions import ClientError

import init_secrets


class Secrets:
    """Secrets Manager with one secret."""

    def __init__(self, value=None):
        self.value = value

    def get_secret_value(self, SecretId):  # noqa: N803, the name is AWS's
        if self.value is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.value}

    def put_secret_value(self, SecretId, SecretString):  # noqa: N803
        self.value = SecretString


class InitSecrets(unittest.TestCase):
    def test_an_admin_key_has_256_bits_and_only_its_digest_is_stored(self):
        key = init_secrets.new_admin_key()
        text = key.removeprefix("adr_admin_")
        self.assertEqual(len(text), 43)
        self.assertEqual(len(base64.urlsafe_b64decode(text + "=")), 32)
        self.assertEqual(init_secrets.admin_key_secret(key), {"sha256": hashlib.sha256(key.encode()).hexdigest()})

    def test_a_keyring_has_one_key_of_256_bits(self):
        keyring = init_secrets.new_keyring()
        self.assertEqual(keyring["primary"], 1)
        self.assertEqual(list(keyring["keys"]), ["1"])
        self.assertEqual(len(base64.b64decode(keyring["keys"]["1"])), 32)

    def test_a_secret_without_a_version_and_a_blank_one_are_filled(self):
        for empty in (None, ""):
            secrets = Secrets(empty)
            self.assertTrue(init_secrets.put(secrets, "arn", init_secrets.new_keyring))
            self.assertEqual(json.loads(secrets.value)["primary"], 1)

    def test_a_keyring_that_is_there_is_never_replaced(self):
        secrets = Secrets('{"primary":2}')
        self.assertFalse(init_secrets.put(secrets, "arn", init_secrets.new_keyring))
        self.assertEqual(secrets.value, '{"primary":2}')

    def test_an_admin_key_is_replaced_when_asked(self):
        secrets = Secrets('{"sha256":"old"}')
        self.assertTrue(init_secrets.put(secrets, "arn", lambda: {"sha256": "new"}, replace=True))
        self.assertEqual(secrets.value, '{"sha256": "new"}')

    def test_an_app_is_written_with_a_verify_token_that_stays(self):
        for empty in (None, "", json.dumps(init_secrets.blank_meta_app())):
            secrets = Secrets(empty)
            token = init_secrets.put_meta_app(secrets, "arn", "42", "one")
            self.assertEqual(json.loads(secrets.value), {"app_id": "42", "app_secret": "one", "verify_token": token})
            self.assertEqual(len(token), 43)
            self.assertEqual(init_secrets.put_meta_app(secrets, "arn", "42", "two"), token)
            self.assertEqual(json.loads(secrets.value)["app_secret"], "two")

    def test_a_refusal_is_not_taken_for_an_empty_secret(self):
        class Refusing(Secrets):
            def get_secret_value(self, SecretId):  # noqa: N803
                raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")

        with self.assertRaises(ClientError):
            init_secrets.put(Refusing(), "arn", init_secrets.new_keyring)


if __name__ == "__main__":
    unittest.main()
