//! `POST /_sim/leads`: people submit forms.

use serde::{Deserialize, Serialize};

use super::LeadAds;
use super::generate::{self, Recipe};
use super::lead::{Lead, NewLead};
use crate::random::Dice;
use crate::sim::SimError;
use crate::webhooks::Webhook;

/// Most leads of one submission.
const MAX_LEADS: usize = 20_000;

/// Leads to submit: `count` of them made up, or exactly `leads`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Submission {
    /// The form, or several over which made-up leads are spread in turn.
    pub form_id: FormIds,
    /// How many leads to make up.
    pub count: Option<usize>,
    /// The leads, where they are not made up.
    pub leads: Vec<NewLead>,
    /// Seed of what is made up and of what happens to webhooks.
    pub seed: u64,
    /// Share of made-up leads that no ad brought.
    pub organic_percent: u8,
    /// Made-up leads are test leads.
    pub test: bool,
    /// When they were submitted, unix seconds; absent: now.
    pub created: Option<Span>,
    /// Milliseconds, by the simulator's clock, until a lead can be read.
    pub readable_after_ms: Span,
    /// How they are announced; absent: not at all.
    pub webhook: Option<Webhook>,
}

impl Default for Submission {
    fn default() -> Self {
        Self {
            form_id: FormIds::default(),
            count: None,
            leads: Vec::new(),
            seed: 0,
            organic_percent: 10,
            test: false,
            created: None,
            readable_after_ms: Span::default(),
            webhook: None,
        }
    }
}

/// One form or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FormIds {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Default for FormIds {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// A number, or the two ends between which one is thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Span {
    /// Always this.
    Exactly(u64),
    /// From the first to the second, both possible.
    Between(u64, u64),
}

impl Default for Span {
    fn default() -> Self {
        Self::Exactly(0)
    }
}

impl Span {
    pub(crate) fn throw(self, dice: &mut Dice) -> u64 {
        match self {
            Self::Exactly(number) => number,
            Self::Between(low, high) => {
                low.saturating_add(dice.next() % high.saturating_sub(low).saturating_add(1).max(1))
            }
        }
    }

    pub(crate) fn most(self) -> u64 {
        match self {
            Self::Exactly(number) => number,
            Self::Between(low, high) => low.max(high),
        }
    }

    fn is_backwards(self) -> bool {
        matches!(self, Self::Between(low, high) if low > high)
    }
}

/// What a submission did. Ids of leads; `deliveries` are ids of webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Every lead.
    pub ids: Vec<String>,
    /// Announced at least once.
    pub announced: Vec<String>,
    /// Never announced, because the webhook's `drop_percent` says so.
    pub dropped: Vec<String>,
    /// Announced twice.
    pub duplicated: Vec<String>,
    /// Not announced: no app is subscribed to their page, or there is no webhook.
    pub unsubscribed: Vec<String>,
    /// The webhooks that are on their way, by id.
    pub deliveries: Vec<String>,
}

/// Stores the leads and returns them in the order in which they were submitted.
pub(crate) fn submit(
    state: &mut LeadAds,
    submission: &Submission,
    now_ms: i64,
    id_seed: u64,
) -> Result<Vec<Lead>, SimError> {
    if let Some(defect) = submission.defect() {
        return Err(SimError::Invalid(defect));
    }
    let form_ids = match &submission.form_id {
        FormIds::One(id) => std::slice::from_ref(id),
        FormIds::Several(ids) => ids.as_slice(),
    };
    let mut dice = Dice::new(submission.seed);
    let recipe =
        Recipe { seed: submission.seed, organic_percent: submission.organic_percent, test: submission.test };
    let made_up = submission.count.unwrap_or(0);
    let mut leads = Vec::with_capacity(submission.leads.len().max(made_up));
    for new in &submission.leads {
        leads.push(state.stored(submission, new.clone(), form_ids, &mut dice, now_ms, id_seed)?);
    }
    for nth in 0..made_up {
        let id = form_ids.get(nth % form_ids.len().max(1)).ok_or(SimError::Invalid("form_id is missing"))?;
        let form = state.forms.get(id).ok_or(SimError::Invalid("form_id: no such form"))?;
        let new = generate::lead(form, recipe, nth, &mut dice);
        leads.push(state.stored(submission, new, form_ids, &mut dice, now_ms, id_seed)?);
    }
    state.put_leads(leads.clone())?;
    Ok(leads)
}

impl Submission {
    fn defect(&self) -> Option<&'static str> {
        if self.count.is_some() != self.leads.is_empty() {
            Some("exactly one of count and leads")
        } else if self.count.unwrap_or(0).max(self.leads.len()) > MAX_LEADS {
            Some("at most 20000 leads in one submission")
        } else if self.organic_percent > 100 {
            Some("organic_percent must be at most 100")
        } else if self.created.is_some_and(Span::is_backwards) || self.readable_after_ms.is_backwards() {
            Some("a span must begin before it ends")
        } else {
            self.webhook.as_ref().and_then(Webhook::defect)
        }
    }
}

impl LeadAds {
    fn stored(
        &mut self,
        submission: &Submission,
        new: NewLead,
        form_ids: &[String],
        dice: &mut Dice,
        now_ms: i64,
        id_seed: u64,
    ) -> Result<Lead, SimError> {
        let form_id =
            new.form_id.as_ref().or(form_ids.first()).ok_or(SimError::Invalid("form_id is missing"))?;
        let form = self.forms.get(form_id).ok_or(SimError::Invalid("form_id: no such form"))?;
        let (form_id, page_id) = (form.form_id.clone(), form.page_id.clone());
        let digits =
            |id: &String| !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
        if new.id.as_ref().is_some_and(|id| !digits(id)) {
            return Err(SimError::Invalid("id must be digits"));
        }
        let created = submission.created.map(|span| i64::try_from(span.throw(dice)).unwrap_or(i64::MAX));
        let after_ms = new.readable_after_ms.unwrap_or_else(|| submission.readable_after_ms.throw(dice));
        Ok(Lead {
            id: new.id.unwrap_or_else(|| self.next_lead_id(id_seed)),
            page_id,
            form_id,
            created_time: new.created_time.or(created).unwrap_or(now_ms.div_euclid(1_000)),
            readable_at_ms: now_ms.saturating_add(i64::try_from(after_ms).unwrap_or(i64::MAX)),
            test: new.test,
            is_organic: new.is_organic.unwrap_or(new.ad_id.is_none()),
            field_data: new.field_data,
            custom_disclaimer_responses: new.custom_disclaimer_responses,
            ad_id: new.ad_id,
            ad_name: new.ad_name,
            adset_id: new.adset_id,
            adset_name: new.adset_name,
            campaign_id: new.campaign_id,
            campaign_name: new.campaign_name,
            platform: new.platform,
            extra: new.extra,
            reads: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Span;
    use crate::random::Dice;

    #[test]
    fn a_span_throws_between_its_ends() {
        let mut dice = Dice::new(1);
        let thrown: Vec<u64> = (0..200).map(|_| Span::Between(3, 5).throw(&mut dice)).collect();
        assert!(
            thrown.iter().all(|number| (3..=5).contains(number))
                && thrown.contains(&3)
                && thrown.contains(&5)
        );
        assert_eq!(Span::Exactly(9).throw(&mut dice), 9);
        assert_eq!(Span::Between(0, u64::MAX).most(), u64::MAX);
    }
}
