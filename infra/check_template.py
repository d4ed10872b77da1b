#!/usr/bin/env python3
"""Rules of our own for the templates: what the local emulator does not check and cfn-lint does not know.

Reads template.yaml and the stacks it nests, and prints every breach. Each rule is one function that takes
the resources and yields breaches as text.
"""

import re
import sys
from pathlib import Path

from cfnlint.decode import cfn_yaml

FOURTEEN_DAYS_S = 14 * 24 * 3600
VISIBILITY_TIMES_TIMEOUT = 6  # AWS: services-sqs-configure, "at least six times the function timeout"

RETAINED = {
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
}

FOLDER_OF_A_BUCKET = re.compile(r"\$\{[\w.]+BucketArn\}/[\w-]+/\*")

# Rights outside of the roles that the rules below look at.
RIGHTS_ELSEWHERE = (
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::RolePolicy",
    "AWS::SecretsManager::ResourcePolicy",
)

# Who opens access tokens. The functions that strangers reach and those that need none never do, whatever the first
# set will hold one day.
OPENS_TOKENS = {"admin-api", "capi-dispatch", "job-worker", "lead-worker"}
NEVER_OPENS_TOKENS = {"capi-ingest", "leadgen-webhook", "segment-engine-cron", "track-conversion"}


class Template:
    """Resources and parameters of a template and of the stacks it nests, logical ids being unique."""

    def __init__(self, path: Path):
        document = cfn_yaml.load(str(path))
        self.parameters = dict(document.get("Parameters", {}))
        self.resources = dict(document["Resources"])
        self.globals = document.get("Globals", {}).get("Function", {})
        for name, resource in list(self.resources.items()):
            if resource["Type"] != "AWS::CloudFormation::Stack":
                continue
            nested = Template(path.parent / resource["Properties"]["TemplateURL"])
            # The nested stack's parameters take the values that this stack hands down.
            given = resource["Properties"].get("Parameters", {})
            for key, parameter in nested.parameters.items():
                value = self.value(given[key]) if key in given else parameter.get("Default")
                self.parameters[f"{name}.{key}"] = {"Default": value}
            self.resources.update({key: scoped(value, name, nested.parameters) for key, value in nested.resources.items()})

    def of_type(self, type_name: str):
        return [(name, r["Properties"]) for name, r in self.resources.items() if r["Type"] == type_name]

    def value(self, node):
        """What a property is in production: a parameter's default, else the node itself."""
        if isinstance(node, dict) and set(node) == {"Ref"} and node["Ref"] in self.parameters:
            return self.parameters[node["Ref"]].get("Default")
        return node

    def target(self, node) -> str | None:
        """The logical id that a Ref or GetAtt names, through the outputs of nested stacks."""
        if not isinstance(node, dict):
            return None
        if "Ref" in node:
            return node["Ref"]
        path = node.get("Fn::GetAtt")
        if path is None:
            return None
        path = path.split(".") if isinstance(path, str) else list(path)
        words = ".".join(path).split(".")
        if len(words) >= 3 and words[1] == "Outputs":
            # Outputs of the state stack are the resource's name and one of these.
            for suffix in ("Arn", "Name", "Url"):
                if words[2].endswith(suffix):
                    return words[2].removesuffix(suffix)
        return words[0]


def scoped(node, stack: str, parameters: dict):
    """A nested stack's resource with its parameters under the name they have in the whole."""
    if isinstance(node, dict):
        if set(node) == {"Ref"} and node["Ref"] in parameters:
            return {"Ref": f"{stack}.{node['Ref']}"}
        return {key: scoped(value, stack, parameters) for key, value in node.items()}
    if isinstance(node, list):
        return [scoped(value, stack, parameters) for value in node]
    return node


def gates_are_off_by_default(template: Template):
    for name, parameter in template.parameters.items():
        if name.endswith(("Enabled", "Allowed")) and "." not in name and str(parameter.get("Default")) != "false":
            yield f"{name}: a gate's default is 'false'"


def queues_keep_messages_and_have_dead_letters(template: Template):
    queues = dict(template.of_type("AWS::SQS::Queue"))
    redrives = {name: queue.get("RedrivePolicy") for name, queue in queues.items()}
    dead_letters = {template.target(r["deadLetterTargetArn"]) for r in redrives.values() if r}
    for name, queue in queues.items():
        if int(template.value(queue.get("MessageRetentionPeriod", 0))) != FOURTEEN_DAYS_S:
            yield f"{name}: a queue keeps its messages for 14 days"
        if redrives[name]:
            if int(redrives[name].get("maxReceiveCount", 0)) != 5:
                yield f"{name}: maxReceiveCount is 5"
        elif name not in dead_letters:
            yield f"{name}: a queue has a dead-letter queue"


def consumers_report_failures_and_have_time(template: Template):
    queues = dict(template.of_type("AWS::SQS::Queue"))
    functions = dict(template.of_type("AWS::Serverless::Function"))
    for name, mapping in template.of_type("AWS::Lambda::EventSourceMapping"):
        if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
            yield f"{name}: a queue's consumer reports batch item failures"
        queue = queues.get(template.target(mapping["EventSourceArn"]))
        function = functions.get(template.target(mapping["FunctionName"]))
        if queue is None or function is None:
            yield f"{name}: its queue or its function is not in the template"
            continue
        visibility = int(template.value(queue.get("VisibilityTimeout", 30)))
        timeout = int(template.value(function.get("Timeout", template.globals.get("Timeout", 3))))
        if visibility < VISIBILITY_TIMES_TIMEOUT * timeout:
            yield f"{name}: visibility {visibility} s is less than 6 times the timeout {timeout} s"


def log_groups_end(template: Template):
    groups = dict(template.of_type("AWS::Logs::LogGroup"))
    for name, group in groups.items():
        if not template.value(group.get("RetentionInDays")):
            yield f"{name}: a log group has a retention"
    for name, function in template.of_type("AWS::Serverless::Function"):
        if template.target(function.get("LoggingConfig", {}).get("LogGroup")) not in groups:
            yield f"{name}: a function logs to a group of the template"


def data_is_retained(template: Template):
    for name, resource in template.resources.items():
        if resource["Type"] not in RETAINED:
            continue
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy) != "Retain":
                yield f"{name}: {policy} is Retain"


def tables_are_protected(template: Template):
    for name, table in template.of_type("AWS::DynamoDB::Table"):
        if not table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name}: point-in-time recovery is on"
        if not table.get("SSESpecification", {}).get("SSEEnabled"):
            yield f"{name}: encryption is on"


def buckets_are_private_and_short_lived(template: Template):
    for name, bucket in template.of_type("AWS::S3::Bucket"):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        for way in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if block.get(way) is not True:
                yield f"{name}: {way} is true"
        if not bucket.get("BucketEncryption"):
            yield f"{name}: encryption is on"
        rules = [r for r in bucket.get("LifecycleConfiguration", {}).get("Rules", []) if r.get("Status") == "Enabled"]
        if not any(rule.get("ExpirationInDays") for rule in rules):
            yield f"{name}: its files end"
        if not any(rule.get("AbortIncompleteMultipartUpload") for rule in rules):
            yield f"{name}: uploads that were never finished end"


def each_function_has_a_role_of_its_own(template: Template):
    users: dict = {}
    for name, function in template.of_type("AWS::Serverless::Function"):
        role = template.target(function.get("Role"))
        if role not in template.resources:
            yield f"{name}: a function has an explicit role in the template"
        elif users.setdefault(role, name) != name:
            yield f"{name}: shares {role} with {users[role]}"
        for generated in ("Policies", "Events"):
            if generated in function:
                yield f"{name}: {generated} would make SAM write roles or routes of its own"


def few_functions_open_tokens(template: Template):
    for name, function in template.of_type("AWS::Serverless::Function"):
        deployed = next(texts(function.get("FunctionName")), name).rsplit("}-")[-1]
        if deployed in OPENS_TOKENS - NEVER_OPENS_TOKENS:
            continue
        role = template.resources.get(template.target(function.get("Role")), {}).get("Properties", {})
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if reaches_tokens(statement):
                    yield f"{name}.{statement.get('Sid', '?')}: {deployed} must not read keyring-tokens"


def reaches_tokens(statement: dict) -> bool:
    """Whether a statement may allow to read the keyring of tokens; what it leaves open counts."""
    if statement.get("Effect") != "Allow":
        return False
    actions = list(texts(statement.get("Action")))
    if actions and not any(action.startswith(("secretsmanager:", "*")) for action in actions):
        return False
    if "Resource" not in statement:
        return True
    resources = list(texts(statement["Resource"]))
    return any("KeyringTokens" in text or "keyring-tokens" in text or "*" in text or "?" in text for text in resources)


def rights_stand_in_roles(template: Template):
    for kind in RIGHTS_ELSEWHERE:
        for name, _ in template.of_type(kind):
            yield f"{name}: rights stand in the function's role, where they are checked"


def roles_are_least_privilege(template: Template):
    for name, role in template.of_type("AWS::IAM::Role"):
        if role.get("ManagedPolicyArns"):
            yield f"{name}: a managed policy grants more than one function needs"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield from breaches_of_statement(f"{name}.{statement.get('Sid', '?')}", statement)


def breaches_of_statement(where: str, statement: dict):
    if statement.get("Effect") != "Allow":
        return
    if "Sid" not in statement:
        yield f"{where}: a statement has a Sid that says what it is for"
    if "NotAction" in statement or "NotResource" in statement:
        yield f"{where}: a statement names what it allows"
    actions = list(texts(statement.get("Action")))
    if any("*" in action for action in actions):
        yield f"{where}: actions are named one by one"
    resources = texts(statement.get("Resource"))
    if actions and all(action.startswith("s3:") for action in actions):
        # The files of one folder have no other name.
        resources = (text for text in resources if not FOLDER_OF_A_BUCKET.fullmatch(text))
    if any("*" in text for text in resources):
        yield f"{where}: resources are exact"


def texts(node):
    """Every text in a value, through lists and conditions."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)
    elif isinstance(node, dict):
        for item in node.values():
            yield from texts(item)


def access_logs_hold_no_query(template: Template):
    for name, stage in template.of_type("AWS::ApiGatewayV2::Stage"):
        form = stage.get("AccessLogSettings", {}).get("Format", "")
        for word in ("querystring", "$context.path", "$context.error.messageString"):
            if word.lower() in form.lower():
                yield f"{name}: the access log must not hold {word}"


RULES = [
    gates_are_off_by_default,
    queues_keep_messages_and_have_dead_letters,
    consumers_report_failures_and_have_time,
    log_groups_end,
    data_is_retained,
    tables_are_protected,
    buckets_are_private_and_short_lived,
    each_function_has_a_role_of_its_own,
    roles_are_least_privilege,
    rights_stand_in_roles,
    few_functions_open_tokens,
    access_logs_hold_no_query,
]


def breaches(template: Template) -> list:
    return [breach for rule in RULES for breach in rule(template)]


def main() -> int:
    path = Path(__file__).parent.parent / "template.yaml"
    found = breaches(Template(path))
    for breach in found:
        print(f"{path.name}: {breach}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
