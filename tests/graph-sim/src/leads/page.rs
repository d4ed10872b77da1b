//! Pages and who may do what with them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::graph_error::GraphError;
use crate::nodes;
use crate::params::Params;
use crate::tokens::Caller;

/// The app of tokens that name none.
const SOME_APP: &str = "200000000000001";

/// A page. The body of `POST /_sim/pages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// Its id, digits.
    pub page_id: String,
    /// Its name; by default `Page <id>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its own token. Where the simulator does not know it yet, it becomes known as a token of `app_id`.
    pub token: String,
    /// Tokens of users and system users that manage the page: `/me/accounts` shows it to them.
    pub system_user_tokens: BTreeSet<String>,
    /// The app that the page's token was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// That app's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_secret: Option<String>,
}

impl Page {
    /// Scopes of a page's token that nobody described otherwise.
    pub(crate) const SCOPES: [&'static str; 5] = [
        "pages_show_list",
        "pages_read_engagement",
        "pages_manage_metadata",
        "pages_manage_ads",
        "leads_retrieval",
    ];

    /// What is wrong with it, if anything.
    pub(crate) fn defect(&self) -> Option<&'static str> {
        if self.page_id.is_empty() || !self.page_id.bytes().all(|byte| byte.is_ascii_digit()) {
            Some("page_id must be digits")
        } else if self.token.is_empty() {
            Some("token must not be empty")
        } else {
            None
        }
    }

    fn shown_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("Page {}", self.page_id))
    }
}

/// A page and the apps that are subscribed to it.
#[derive(Debug)]
pub(crate) struct PageState {
    pub(crate) page: Page,
    /// Fields by app.
    pub(crate) subscriptions: BTreeMap<String, BTreeSet<String>>,
}

/// How a caller stands to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It shows the page's own token.
    Page,
    /// It manages the page.
    Manager,
    /// It knows nothing of it.
    Stranger,
}

impl PageState {
    pub(crate) fn standing(&self, caller: Caller<'_>) -> Standing {
        match caller {
            Caller::Token(token) if token.token == self.page.token => Standing::Page,
            Caller::Token(token) if self.page.system_user_tokens.contains(&token.token) => Standing::Manager,
            _ => Standing::Stranger,
        }
    }

    /// Lets only the page's own token through: 190 for a manager's, 100/33 for a stranger's.
    pub(crate) fn needs_page_token(
        &self,
        caller: Caller<'_>,
        method: &str,
        id: &str,
    ) -> Result<(), GraphError> {
        match self.standing(caller) {
            Standing::Page => Ok(()),
            Standing::Manager => Err(GraphError::new(190, None)
                .with_message("(#190) This method must be called with a Page Access Token")),
            Standing::Stranger => Err(GraphError::unknown_object(method, id)),
        }
    }

    /// True where an app is subscribed to the page's leads.
    pub(crate) fn announces_leads(&self) -> bool {
        self.subscriptions.values().any(|fields| fields.contains("leadgen"))
    }

    /// As `GET /{page}` and `/me/accounts` show it.
    pub(crate) fn node(&self, params: &Params, default: &[&str]) -> Result<Value, GraphError> {
        let known = [
            ("id", json!(self.page.page_id)),
            ("name", json!(self.page.shown_name())),
            ("category", json!("Business")),
            ("access_token", json!(self.page.token)),
            ("tasks", json!(["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"])),
        ];
        nodes::select(&known, params, "Page", default)
    }

    /// As `GET /_sim/pages` shows it.
    pub(crate) fn inspected(&self) -> Value {
        json!({"page_id": self.page.page_id, "name": self.page.shown_name(), "subscriptions": self.subscriptions})
    }
}

/// The app that a caller speaks for.
pub(crate) fn app_of(caller: Caller<'_>) -> String {
    match caller {
        Caller::Token(token) => token.app_id.clone().unwrap_or_else(|| SOME_APP.to_owned()),
        Caller::App => SOME_APP.to_owned(),
    }
}
