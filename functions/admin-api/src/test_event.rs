//! Sending one real event to Meta and showing what it says.

use adrelay_core::config::{Connection, Pixel};
use adrelay_core::ids::{EventName, PixelId};
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::clock::Entropy as _;
use adrelay_core::ports::meta::{CapiRequest, ConversionsApi as _};
use serde::Serialize;
use serde_json::json;

use crate::answer::{Answer, ok};
use crate::api::{AdminApi, Call};
use crate::connections;
use crate::fields::invalid_field;
use crate::meta_answer::{EventAnswerView, refusal};
use crate::pixels::{PixelView, UNKNOWN};
use crate::ports::Ports;
use crate::rules;

/// What a test event is called where the caller says nothing else.
const DEFAULT_EVENT_NAME: &str = "PageView";

/// What became of a test event.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = TestEventResult))]
pub(crate) struct TestEventView {
    /// `sent`, or `rejected` where Meta said no.
    status: &'static str,
    /// The event's id.
    event_id: String,
    /// The event's name.
    event_name: String,
    /// The code it was sent with.
    test_event_code: String,
    /// What Meta answered.
    meta_response: EventAnswerView,
    /// The pixel as it is now.
    pixel: PixelView,
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn test_pixel(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let code = fields.optional("test_event_code", rules::test_event_code);
        let event_name = fields.optional("event_name", rules::id::<EventName>);
        fields.finish()?;
        call.query.finish()?;
        let id: PixelId = call.id(UNKNOWN)?;
        let pixel = self.get::<Pixel>(&tenant, &id, UNKNOWN).await?.value;
        // Without a code it would count as a real person's event.
        let code = code.or_else(|| pixel.test_event_code.clone()).ok_or_else(|| {
            invalid_field("test_event_code", "required", "neither the request nor the pixel has one")
        })?;
        let connection =
            self.get::<Connection>(&tenant, &pixel.connection_id, connections::UNKNOWN).await?.value;
        let credentials = self.credentials(&connection).await?;
        let event_name = event_name.map_or_else(|| DEFAULT_EVENT_NAME.to_owned(), |name| name.to_string());
        let event_id = adrelay_core::ids::random_text_id("test", self.ports.entropy().array());
        let event = self.event(&event_name, &event_id);
        let request = CapiRequest {
            pixel_id: &id,
            credentials: &credentials,
            test_event_code: Some(&code),
            upload_tag: None,
            events: &[&event],
        };
        let (status, meta_response) = match self.ports.meta().send(request).await.result {
            Ok(accepted) => {
                self.both_well(&pixel, &connection).await?;
                self.release(&tenant, std::slice::from_ref(&id)).await?;
                ("sent", EventAnswerView::from(accepted))
            }
            Err(failure) => ("rejected", EventAnswerView::from(refusal(failure)?.1)),
        };
        let pixel = self.get::<Pixel>(&tenant, &id, UNKNOWN).await?.value.into();
        ok(&TestEventView { status, event_id, event_name, test_event_code: code, meta_response, pixel })
    }

    /// An event of nobody: everything in it is reserved for examples.
    fn event(&self, name: &str, id: &str) -> String {
        json!({
            "event_name": name,
            "event_time": self.now().secs(),
            "event_id": id,
            "action_source": "website",
            "event_source_url": "https://example.com/",
            "user_data": {
                "em": [Sha256Hex::of("test@example.com").ok()],
                "client_ip_address": "192.0.2.1",
                "client_user_agent": "adrelay test event",
            },
            // A Purchase needs both; others don't mind.
            "custom_data": {"value": 1.0, "currency": "USD"},
        })
        .to_string()
    }
}
