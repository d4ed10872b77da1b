//! A call that reads or changes one object or edge: where it goes and what it carries.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Url};

use crate::config::Root;

/// The parameter that proves the app.
const PROOF: &str = "appsecret_proof";

/// A call without its token. Parameters travel in the query, those of a POST in a form.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    parameters: &'a [(&'a str, &'a str)],
    /// The most bytes of the answer that are read; absent: the client's usual limit.
    pub(crate) max_bytes: Option<usize>,
}

impl<'a> Call<'a> {
    /// Reads the object or edge at `path`.
    pub(crate) const fn get(path: &'a [&'a str]) -> Self {
        Self { method: Method::GET, path, parameters: &[], max_bytes: None }
    }

    /// Writes to the edge at `path`.
    pub(crate) const fn post(path: &'a [&'a str]) -> Self {
        Self { method: Method::POST, path, parameters: &[], max_bytes: None }
    }

    /// Deletes what is at `path`.
    pub(crate) const fn delete(path: &'a [&'a str]) -> Self {
        Self { method: Method::DELETE, path, parameters: &[], max_bytes: None }
    }

    /// With these parameters. None of them may be secret: a query ends in logs.
    pub(crate) fn with(self, parameters: &'a [(&'a str, &'a str)]) -> Self {
        Self { parameters, ..self }
    }

    /// With a limit of its own for the answer.
    pub(crate) fn up_to(self, max_bytes: usize) -> Self {
        Self { max_bytes: Some(max_bytes), ..self }
    }

    /// The request, still without its token.
    pub(crate) fn request(self, client: &Client, root: &Root, proof: Option<&str>) -> RequestBuilder {
        let mut url = root.join(self.path);
        let is_post = self.method == Method::POST;
        let pairs = || self.parameters.iter().copied().chain(proof.map(|proof| (PROOF, proof)));
        if is_post {
            let form = form(&url, pairs());
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            return client.request(self.method, url).header(CONTENT_TYPE, form_type).body(form);
        }
        if pairs().next().is_some() {
            url.query_pairs_mut().extend_pairs(pairs());
        }
        client.request(self.method, url)
    }
}

/// A form's text is what a query's would be.
fn form<'a>(url: &Url, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut encoder = url.clone();
    encoder.query_pairs_mut().clear().extend_pairs(pairs);
    encoder.query().unwrap_or_default().to_owned()
}
