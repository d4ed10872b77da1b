//! Asking Meta whether a connection's token works.

use adrelay_core::config::{Connection, Health};
use adrelay_core::ids::{ConnectionId, PixelId};
use adrelay_core::ports::admin::{HealthWrite, Revised};
use adrelay_core::ports::meta::{Credentials, Failure, Verdict};
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, ok};
use crate::api::{AdminApi, Call};
use crate::connections::{ConnectionView, UNKNOWN};
use crate::meta_answer::{ErrorView, refusal};
use crate::ports::{MetaObject, MetaProbe as _, Ports};

/// Pixels that one verification asks Meta for.
const MAX_PIXELS: usize = 10;

/// What Meta says of a token.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Verification))]
pub(crate) struct VerificationView {
    /// Whether the token works.
    valid: bool,
    /// What Meta answered.
    meta_response: ObjectAnswerView,
    /// Which of the connection's pixels the token sees; the first 10. A token made for one pixel may send to it
    /// without seeing it.
    pixels: Vec<PixelVisibilityView>,
    /// The connection as it is now.
    connection: ConnectionView,
}

/// Meta's answer to a question for one of its objects.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = MetaObjectAnswer))]
pub(crate) struct ObjectAnswerView {
    /// The object's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The object's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Why Meta refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

/// Whether a token sees a pixel.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PixelVisibility))]
pub(crate) struct PixelVisibilityView {
    /// The pixel.
    id: String,
    /// Whether the token sees it.
    visible: bool,
    /// What Meta answered.
    meta_response: ObjectAnswerView,
}

impl From<MetaObject> for ObjectAnswerView {
    fn from(object: MetaObject) -> Self {
        Self { id: Some(object.id), name: object.name, error: None }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn verify_connection(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        call.query.finish()?;
        let id: ConnectionId = call.id(UNKNOWN)?;
        let found: Revised<Connection> = self.get(&tenant, &id, UNKNOWN).await?;
        let asked = found.value;
        let credentials = self.credentials(&asked).await?;
        let (valid, meta_response, health) = match self.ports.meta().whose(&credentials).await {
            Ok(object) => (true, ObjectAnswerView::from(object), Some(Health::Ok)),
            Err(failure) => {
                let (verdict, error) = refusal(failure)?;
                // Only a bad token condemns the connection: its events may flow although Meta denies this question.
                let health = (verdict == Verdict::Token).then(|| Health::NeedsAttention {
                    reason: "token_invalid".to_owned(),
                    code: Some(error.code),
                    subcode: error.subcode,
                    since: self.now(),
                });
                (false, ObjectAnswerView { error: Some(error.into()), ..Default::default() }, health)
            }
        };
        let connection = match health {
            Some(health) => self.record_verdict(&asked, health).await?,
            None => asked,
        };
        let pixels = self.pixels_of(&tenant, &id).await?;
        if valid {
            self.release(&tenant, &pixels).await?;
        }
        let pixels = if valid { self.visible_pixels(&credentials, &pixels).await } else { Vec::new() };
        ok(&VerificationView { valid, meta_response, pixels, connection: connection.into() })
    }

    /// Writes what Meta said of the token that was asked about.
    async fn record_verdict(&self, asked: &Connection, health: Health) -> Result<Connection, Problem> {
        let now = self.now();
        let record = |connection: &mut Connection| {
            if connection.token_version != asked.token_version {
                let detail = "The token was replaced meanwhile. Verify the new one.";
                return Err(Problem::new(409, "changed_meanwhile", detail));
            }
            if health.is_ok() {
                connection.verified_at = Some(now);
            }
            let known_already = !connection.health.is_ok() && !health.is_ok();
            if !known_already {
                connection.health = health.clone();
            }
            Ok(HealthWrite::Replace)
        };
        self.modify(&asked.tenant_id, &asked.id, UNKNOWN, record).await
    }

    async fn visible_pixels(
        &self,
        credentials: &Credentials,
        pixels: &[PixelId],
    ) -> Vec<PixelVisibilityView> {
        let mut shown = Vec::new();
        for pixel in pixels.iter().take(MAX_PIXELS) {
            let (visible, meta_response) = match self.ports.meta().pixel(credentials, pixel).await {
                Ok(object) => (true, object.into()),
                Err(Failure { error, .. }) => {
                    (false, ObjectAnswerView { error: Some(error.into()), ..Default::default() })
                }
            };
            shown.push(PixelVisibilityView { id: pixel.to_string(), visible, meta_response });
        }
        shown
    }
}
