"""Each rule of check_template.py holds for the template as it is, and notices when it is broken."""

import copy
import unittest
from pathlib import Path

from check_template import Template, breaches

TEMPLATE = Path(__file__).parent.parent / "template.yaml"


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.whole = Template(TEMPLATE)

    def setUp(self):
        self.template = copy.deepcopy(self.whole)

    def properties(self, name: str) -> dict:
        return self.template.resources[name]["Properties"]

    def statement(self, role: str, sid: str) -> dict:
        for statement in self.properties(role)["Policies"][0]["PolicyDocument"]["Statement"]:
            if statement["Sid"] == sid:
                return statement
        raise KeyError(sid)

    def assert_breach(self, *words: str):
        found = breaches(self.template)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def give(self, role: str, **statement):
        """Adds a statement to a role."""
        statements = self.properties(role)["Policies"][0]["PolicyDocument"]["Statement"]
        statements.append({"Sid": "Added", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", **statement})

    def add_function(self, name: str, deployed: str):
        """A further function with a role of its own, both as capi-ingest's."""
        function, role = (copy.deepcopy(self.template.resources[of]) for of in ("CapiIngest", "CapiIngestRole"))
        function["Properties"] |= {"FunctionName": {"Fn::Sub": f"${{AWS::StackName}}-{deployed}"}, "Role": {"Fn::GetAtt": f"{name}Role.Arn"}}
        self.template.resources |= {name: function, f"{name}Role": role}

    def test_the_template_keeps_every_rule(self):
        self.assertEqual(breaches(self.template), [])

    def test_a_gate_that_is_on(self):
        self.template.parameters["MetaCapiIngestEnabled"]["Default"] = "true"
        self.assert_breach("MetaCapiIngestEnabled")

    def test_calls_to_this_machine_that_are_allowed(self):
        self.template.parameters["OutsideLoopbackAllowed"]["Default"] = "true"
        self.assert_breach("OutsideLoopbackAllowed")

    def test_a_visibility_below_six_timeouts(self):
        self.template.parameters["DispatchTimeoutSeconds"]["Default"] = 121
        self.assert_breach("CapiDispatchQueueMapping", "720 s")

    def test_a_consumer_that_fails_whole_batches(self):
        del self.properties("CapiDispatchQueueMapping")["FunctionResponseTypes"]
        self.assert_breach("CapiDispatchQueueMapping", "batch item failures")

    def test_a_queue_without_dead_letters(self):
        del self.properties("CapiEventsQueue")["RedrivePolicy"]
        found = breaches(self.template)
        self.assertEqual(len(found), 2, "both queues are without one now")

    def test_a_short_retention(self):
        self.properties("CapiEventsDeadLetters")["MessageRetentionPeriod"] = 345600
        self.assert_breach("CapiEventsDeadLetters", "14 days")

    def test_a_log_group_for_ever(self):
        del self.properties("ApiAccessLogs")["RetentionInDays"]
        self.assert_breach("ApiAccessLogs")

    def test_a_function_that_logs_elsewhere(self):
        del self.properties("CapiIngest")["LoggingConfig"]
        self.assert_breach("CapiIngest", "logs to a group")

    def test_data_that_goes_with_the_stack(self):
        self.template.resources["KeyringTokensSecret"]["DeletionPolicy"] = "Delete"
        self.assert_breach("KeyringTokensSecret", "DeletionPolicy")

    def test_data_that_goes_with_a_replacement(self):
        del self.template.resources["EventsTable"]["UpdateReplacePolicy"]
        self.assert_breach("EventsTable", "UpdateReplacePolicy")

    def test_a_table_without_recovery(self):
        del self.properties("EventsTable")["PointInTimeRecoverySpecification"]
        self.assert_breach("EventsTable", "recovery")

    def test_a_bus_that_goes_with_the_stack(self):
        self.template.resources["EventBus"]["DeletionPolicy"] = "Delete"
        self.assert_breach("EventBus", "DeletionPolicy")

    def test_exports_that_go_with_the_stack(self):
        self.template.resources["ExportsBucket"]["DeletionPolicy"] = "Delete"
        self.assert_breach("ExportsBucket", "DeletionPolicy")

    def test_a_bucket_that_may_be_public(self):
        self.properties("ExportsBucket")["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] = False
        self.assert_breach("ExportsBucket", "RestrictPublicBuckets")

    def test_files_in_clear(self):
        del self.properties("ExportsBucket")["BucketEncryption"]
        self.assert_breach("ExportsBucket", "encryption")

    def test_files_for_ever(self):
        self.properties("ExportsBucket")["LifecycleConfiguration"]["Rules"][0]["Status"] = "Disabled"
        self.assert_breach("ExportsBucket", "files end")

    def test_unfinished_uploads_for_ever(self):
        del self.properties("ExportsBucket")["LifecycleConfiguration"]["Rules"][1]
        self.assert_breach("ExportsBucket", "uploads")

    def test_a_shared_role(self):
        self.properties("AdminApi")["Role"] = self.properties("CapiIngest")["Role"]
        self.assert_breach("AdminApi", "CapiIngestRole")

    def test_a_role_that_sam_would_write(self):
        del self.properties("AdminApi")["Role"]
        self.assert_breach("AdminApi", "explicit role")

    def test_a_statement_on_everything(self):
        self.statement("CapiIngestRole", "QueueEvents")["Resource"] = "*"
        self.assert_breach("CapiIngestRole.QueueEvents", "exact")

    def test_a_statement_on_everything_of_a_kind(self):
        self.statement("CapiIngestRole", "QueueEvents")["Resource"] = {"Fn::Sub": "arn:aws:sqs:*:*:adrelay-*"}
        self.assert_breach("CapiIngestRole.QueueEvents", "exact")

    def test_all_actions_of_a_service(self):
        self.statement("CapiDispatchRole", "OpenTokens")["Action"] = ["secretsmanager:*"]
        self.assert_breach("CapiDispatchRole.OpenTokens", "one by one")

    def test_a_managed_policy(self):
        self.properties("AdminApiRole")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]
        self.assert_breach("AdminApiRole", "managed policy")

    def test_files_of_every_bucket(self):
        for resource in ("arn:aws:s3:::*", "arn:aws:s3:::*/*", {"Fn::Sub": "${State.Outputs.ExportsBucketArn}*"}, {"Fn::Sub": "${State.Outputs.ExportsBucketArn}/*"}):
            self.setUp()
            self.statement("JobWorkerRole", "WriteExports")["Resource"] = resource
            self.assert_breach("JobWorkerRole.WriteExports", "exact")

    def test_more_than_files_of_a_bucket(self):
        self.statement("JobWorkerRole", "WriteExports")["Action"] = ["s3:PutObject", "dynamodb:PutItem"]
        self.assert_breach("JobWorkerRole.WriteExports", "exact")

    def test_rights_beside_the_roles(self):
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::SecretsManager::ResourcePolicy"):
            self.setUp()
            self.template.resources["Beside"] = {"Type": kind, "Properties": {}}
            self.assert_breach("Beside", "rights stand in")

    def test_tokens_for_functions_that_must_never_read_them(self):
        self.add_function("SegmentEngineCron", "segment-engine-cron")
        self.assertEqual(breaches(self.template), [])
        tokens = {"Fn::GetAtt": "State.Outputs.KeyringTokensSecretArn"}
        for function in ("CapiIngest", "TrackConversion", "LeadgenWebhook", "SegmentEngineCron"):
            for resource in (tokens, [tokens], {"Fn::GetAtt": ["State", "Outputs.KeyringTokensSecretArn"]}):
                self.setUp()
                self.add_function("SegmentEngineCron", "segment-engine-cron")
                self.give(f"{function}Role", Resource=resource)
                self.assert_breach(f"{function}.Added", "keyring-tokens")

    def test_every_secret_for_functions_that_must_never_read_tokens(self):
        for function in ("CapiIngest", "TrackConversion", "LeadgenWebhook", "SegmentEngineCron"):
            for resource in ("*", {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:adrelay/*"}):
                self.setUp()
                self.add_function("SegmentEngineCron", "segment-engine-cron")
                self.give(f"{function}Role", Resource=resource)
                found = breaches(self.template)
                self.assertTrue(any(f"{function}.Added" in breach and "keyring-tokens" in breach for breach in found), found)

    def test_all_but_some_secrets_for_functions_that_must_never_read_tokens(self):
        for function in ("CapiIngest", "TrackConversion", "LeadgenWebhook"):
            self.setUp()
            self.give(f"{function}Role", NotResource={"Fn::GetAtt": "State.Outputs.MetaAppSecretArn"})
            found = breaches(self.template)
            self.assertTrue(any("keyring-tokens" in breach for breach in found), found)

    def test_tokens_for_a_function_that_nobody_thought_of(self):
        self.add_function("Newcomer", "newcomer")
        self.give("NewcomerRole", Resource={"Fn::GetAtt": "State.Outputs.KeyringTokensSecretArn"})
        self.assert_breach("Newcomer.Added", "newcomer must not read keyring-tokens")

    def test_an_access_log_with_the_path(self):
        self.properties("ApiStage")["AccessLogSettings"]["Format"] = '{"path":"$context.path"}'
        self.assert_breach("ApiStage", "$context.path")


if __name__ == "__main__":
    unittest.main()
