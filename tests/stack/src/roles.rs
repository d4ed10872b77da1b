//! Takes statements out of a function's role and puts them back, to show that each is needed; and acts as a function,
//! to show what it may not do.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::aws::AwsApi;
use crate::control::{DISRUPTIVE, only_in};
use crate::package::Function;
use crate::running::Stack;

/// Version of IAM's API.
const IAM: &str = "Version=2010-05-08";
/// Version of STS's API.
const STS: &str = "Version=2011-06-15";

impl Stack {
    /// The `Sid`s of the statements in a function's role, in their order.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn role_statements(&self, function: Function) -> anyhow::Result<Vec<String>> {
        let policy = self.role_policy(function).await?;
        let statements = policy["Statement"].as_array().context("no statements")?;
        Ok(statements.iter().filter_map(|statement| statement["Sid"].as_str().map(str::to_owned)).collect())
    }

    /// Takes the statement `sid` out of a function's role, at once; gives the policy to put back with
    /// [`Self::restore_role`].
    ///
    /// # Errors
    /// When there is no such statement or the local AWS refuses.
    pub async fn without_statement(&self, function: Function, sid: &str) -> anyhow::Result<Value> {
        let whole = self.role_policy(function).await?;
        let mut fewer = whole.clone();
        let statements = fewer["Statement"].as_array_mut().context("no statements")?;
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != sid);
        ensure!(statements.len() < before, "{} has no statement {sid}", function.name());
        self.restore_role(function, &fewer).await?;
        Ok(whole)
    }

    /// Puts `policy` in place as a function's role policy, at once.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn restore_role(&self, function: Function, policy: &Value) -> anyhow::Result<()> {
        only_in(&[DISRUPTIVE])?;
        let (role, name) = (self.role_name(function).await?, function.name());
        let document = encode(&policy.to_string());
        let form =
            format!("Action=PutRolePolicy&{IAM}&RoleName={role}&PolicyName={name}&PolicyDocument={document}");
        self.aws().query("iam", form).await?;
        Ok(())
    }

    /// A client that signs with credentials of a function's role, as the function itself does.
    ///
    /// # Errors
    /// When the local AWS refuses.
    pub async fn as_function(&self, function: Function) -> anyhow::Result<AwsApi> {
        let role = self.role_name(function).await?;
        let form = format!("Action=GetRole&{IAM}&RoleName={role}");
        let answer = self.aws().query("iam", form).await?;
        let (arn, trust) = (element(&answer, "Arn")?, decode(element(&answer, "AssumeRolePolicyDocument")?)?);
        // Lambda alone may take the role. The account may for a moment.
        let account = arn.split(':').nth(4).context("an ARN names its account")?;
        let mut open: Value = serde_json::from_str(&trust).context("trust policy")?;
        open["Statement"].as_array_mut().context("no statements")?.push(json!({
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}
        }));
        self.set_trust(&role, &open.to_string()).await?;
        let form =
            format!("Action=AssumeRole&{STS}&RoleArn={}&RoleSessionName={}", encode(arn), function.name());
        let session = self.aws().query("sts", form).await;
        self.set_trust(&role, &trust).await?;
        let session = session?;
        let part = |name: &str| element(&session, name);
        Ok(self.aws().with_session(part("AccessKeyId")?, part("SecretAccessKey")?, part("SessionToken")?))
    }

    async fn set_trust(&self, role: &str, policy: &str) -> anyhow::Result<()> {
        let document = encode(policy);
        let form = format!("Action=UpdateAssumeRolePolicy&{IAM}&RoleName={role}&PolicyDocument={document}");
        self.aws().query("iam", form).await?;
        Ok(())
    }

    /// The template names each role's one policy for its function.
    pub(crate) async fn role_policy(&self, function: Function) -> anyhow::Result<Value> {
        let (role, name) = (self.role_name(function).await?, function.name());
        let form = format!("Action=GetRolePolicy&{IAM}&RoleName={role}&PolicyName={name}");
        let answer = self.aws().query("iam", form).await?;
        serde_json::from_str(&decode(element(&answer, "PolicyDocument")?)?)
            .with_context(|| format!("policy of {role}"))
    }

    async fn role_name(&self, function: Function) -> anyhow::Result<String> {
        let path = format!("/2015-03-31/functions/{}/configuration", self.deployed_name(function));
        let configuration = self.aws().rest("lambda", "GET", &path, None).await?;
        let arn = configuration["Role"].as_str().context("no role")?;
        Ok(arn.rsplit('/').next().unwrap_or(arn).to_owned())
    }
}

/// The text of an answer's first element of a name.
fn element<'a>(xml: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>")).with_context(|| format!("no {name}"))?;
    let (text, _) = rest.split_once(&format!("</{name}>")).with_context(|| format!("{name} has no end"))?;
    Ok(text)
}

/// Percent-encodes all but letters and digits.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

fn decode(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == b'%' {
            let digits = tail.get(..2).context("a cut percent escape")?;
            bytes.extend(hex::decode(digits).context("a bad percent escape")?);
            rest = &tail[2..];
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).context("no UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let text = r#"{"Resource":"arn:aws:sqs:eu:1:ä+b &c=%"}"#;
        assert_eq!(decode(&encode(text)).unwrap(), text);
        assert!(encode(text).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'));
    }

    #[test]
    fn an_elements_text_is_found_by_its_name() {
        let xml = "<A><Role>r</Role><RoleName>n</RoleName></A>";
        assert_eq!(element(xml, "RoleName").unwrap(), "n");
        assert!(element(xml, "Arn").is_err());
    }

    #[test]
    fn a_cut_escape_is_refused() {
        assert!(decode("a%4").is_err());
    }
}
