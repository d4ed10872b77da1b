//! An export's memory does not grow with the number of its leads. Alone in its binary, for it looks at the process's
//! peak.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unreachable,
    reason = "a test fails by panicking, its ports too"
)]

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use adrelay_core::ids::{FormId, JobId, LeadId, PageId, PersonId, SourceId, TenantId};
use adrelay_core::jobs::{JOB_WORK_VERSION, JobState, JobWork, JobWorker, PART_BYTES, Settings, export_job};
use adrelay_core::leads::csv::original;
use adrelay_core::leads::{
    Activity, Answer, Arrival, Contact, DayCheck, Feedback, FormDay, FormSettings, LEAD_PURPOSE, Lead,
    LeadAds, LeadDoc, LeadForm, LeadPii, LeadQuery, MetaForm, MissingLead, Status,
};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::jobs::{FileError, FilePart, FileStore, JobStore as _};
use adrelay_core::ports::leads::{Created, FormStore, LeadStore, LeadWrite};
use adrelay_core::ports::receipts::Page;
use adrelay_core::ports::secrets::Secrets as _;
use adrelay_core::retry::Backoff;
use adrelay_core::seal::{Keyring, SealContext, Secret};
use adrelay_core::time::UnixMillis;
use fakes::{FixedSecrets, JobPorts, KEYRING_PII, NOON};

/// Leads that are made when they are asked for, and forgotten.
#[derive(Clone)]
struct Endless {
    count: usize,
    keyring: Arc<Keyring>,
}

impl Endless {
    fn lead(&self, tenant: &TenantId, nth: usize) -> Lead {
        let id = LeadId::parse(&(1_000_000 + nth).to_string()).unwrap();
        let answers = vec![
            Answer { name: "why".to_owned(), values: vec![format!("=HYPERLINK(\"http://x/{nth}\")")] },
            Answer { name: "tell_us_more".to_owned(), values: vec!["a longer answer, ".repeat(12)] },
        ];
        let email = Some(format!("person{nth}@example.com"));
        let contact = Contact { email, phone: Some("+491711234567".to_owned()), ..Contact::default() };
        let pii = LeadPii { answers, contact, ..LeadPii::default() };
        let context = SealContext { tenant: tenant.as_str(), owner: id.as_str(), purpose: LEAD_PURPOSE };
        let text = Secret::new(serde_json::to_string(&pii).unwrap());
        let sealed = Some(self.keyring.seal(context, &text, [2; 12]).unwrap());
        let doc = LeadDoc {
            page: PageId::parse("10").unwrap(),
            form: FormId::parse("20").unwrap(),
            source: SourceId::parse("shop").unwrap(),
            created_at_s: NOON.secs(),
            stored_at: NOON,
            arrival: Arrival::Poll,
            test: false,
            ads: LeadAds::default(),
            platform: Some("fb".to_owned()),
            is_organic: false,
            person: None,
            status: Status::New,
            assignee: None,
            contacted_at: None,
            converted_at: None,
            worth: None,
            last_event_s: None,
            updated_at: NOON,
            erased_at: None,
        };
        Lead { tenant: tenant.clone(), id, rev: 1, doc, texts: BTreeSet::new(), sealed }
    }
}

impl LeadStore for Endless {
    async fn list(&self, query: &LeadQuery) -> Result<Page<Lead>, StoreError> {
        let from: usize = query.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
        let until = (from + query.limit).min(self.count);
        let items = (from..until).map(|nth| self.lead(&query.tenant, nth)).collect();
        Ok(Page { items, next_cursor: (until < self.count).then(|| until.to_string()) })
    }
    async fn create(&self, _: LeadWrite<'_>) -> Result<Created, StoreError> {
        unreachable!()
    }
    async fn change(&self, _: LeadWrite<'_>) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn lead(&self, _: &TenantId, _: &LeadId) -> Result<Option<Lead>, StoreError> {
        unreachable!()
    }
    async fn known(&self, _: &TenantId, _: &[LeadId]) -> Result<HashSet<LeadId>, StoreError> {
        unreachable!()
    }
    async fn activities(
        &self,
        _: &TenantId,
        _: &LeadId,
        _: usize,
        _: Option<&str>,
    ) -> Result<Page<Activity>, StoreError> {
        unreachable!()
    }
    async fn feedback(&self, _: &TenantId, _: &LeadId) -> Result<Vec<Feedback>, StoreError> {
        unreachable!()
    }
    async fn leads_of(&self, _: &TenantId, _: &PersonId, _: usize) -> Result<Vec<LeadId>, StoreError> {
        unreachable!()
    }
    async fn missing(
        &self,
        _: &TenantId,
        _: usize,
        _: Option<&str>,
    ) -> Result<Page<MissingLead>, StoreError> {
        unreachable!()
    }
}

impl FormStore for Endless {
    async fn forms(
        &self,
        _: &TenantId,
        _: &PageId,
        _: usize,
        _: Option<&str>,
    ) -> Result<Page<LeadForm>, StoreError> {
        unreachable!()
    }
    async fn form(&self, _: &TenantId, _: &PageId, _: &FormId) -> Result<Option<LeadForm>, StoreError> {
        unreachable!()
    }
    async fn page_of(&self, _: &TenantId, _: &FormId) -> Result<Option<PageId>, StoreError> {
        unreachable!()
    }
    async fn put_form(
        &self,
        _: &TenantId,
        _: &PageId,
        _: &MetaForm,
        _: UnixMillis,
    ) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn set_form(
        &self,
        _: &TenantId,
        _: &PageId,
        _: &FormId,
        _: &FormSettings,
    ) -> Result<(), StoreError> {
        unreachable!()
    }
    async fn days(&self, _: &TenantId, _: &FormId, _: &str, _: &str) -> Result<Vec<FormDay>, StoreError> {
        unreachable!()
    }
    async fn check_day(&self, _: &TenantId, _: &FormId, _: &str, _: &DayCheck) -> Result<(), StoreError> {
        unreachable!()
    }
}

/// Reads a file's parts as they come, and forgets them.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<Read>>);

#[derive(Default)]
struct Read {
    rows: usize,
    parts: usize,
    finished: bool,
}

impl FileStore for Reader {
    async fn begin(&self, _: &str, _: &str) -> Result<String, FileError> {
        Ok("upload".to_owned())
    }

    async fn part(&self, _: &str, _: &str, number: i32, bytes: Vec<u8>) -> Result<FilePart, FileError> {
        let mut read = self.0.lock().unwrap();
        let mut lines = csv::ReaderBuilder::new().has_headers(number == 1).from_reader(bytes.as_slice());
        let nth_of_answers = lines.records().next().unwrap().unwrap().len() - 1;
        let mut lines = csv::ReaderBuilder::new().has_headers(number == 1).from_reader(bytes.as_slice());
        for line in lines.records() {
            let line = line.unwrap();
            let answers: serde_json::Value = serde_json::from_str(&line[nth_of_answers]).unwrap();
            assert_eq!(answers["why"][0], format!("=HYPERLINK(\"http://x/{}\")", read.rows));
            assert!(line.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
            assert_eq!(original(&line[4]), "+491711234567");
            read.rows += 1;
        }
        read.parts += 1;
        Ok(FilePart { number, etag: format!("\"{number}\"") })
    }

    async fn finish(&self, _: &str, _: &str, parts: &[FilePart]) -> Result<(), FileError> {
        let mut read = self.0.lock().unwrap();
        assert_eq!(parts.len(), read.parts);
        read.finished = true;
        Ok(())
    }

    async fn abort(&self, _: &str, _: &str) -> Result<(), FileError> {
        Ok(())
    }
}

/// Exports `count` leads; how many rows and parts the file has.
async fn export(count: usize) -> (usize, usize) {
    let keyring = FixedSecrets::default().secret(KEYRING_PII).await.unwrap();
    let leads = Endless { count, keyring: Arc::new(Keyring::parse(keyring.expose()).unwrap()) };
    let ports = JobPorts::over(leads, Reader::default());
    let settings = Settings {
        keyring_tokens: KEYRING_PII.to_owned(),
        keyring_pii: KEYRING_PII.to_owned(),
        resend_s: Backoff { base_ms: 10, max_ms: 900 },
        webhook_tries_max: 12,
        part_bytes: PART_BYTES,
    };
    let (tenant, id) = (TenantId::parse("acme").unwrap(), JobId::parse("job_1").unwrap());
    let query = LeadQuery::all(tenant.clone(), 1);
    ports.jobs.save_job(&export_job(&tenant, id.clone(), query, "crm", NOON)).await.unwrap();
    let worker = JobWorker::new(ports, settings);
    let work = JobWork::Export { v: JOB_WORK_VERSION, tenant, job: id, attempt: 0 };
    let (failed, _) = worker.handle(vec![work], NOON.plus_ms(60_000)).await;
    assert_eq!(failed, [0; 0]);
    let job = worker.ports().jobs.all().remove(0);
    assert_eq!((job.state, job.done), (JobState::Done, count as u64));
    let read = worker.ports().files.0.lock().unwrap();
    assert!(read.finished);
    (read.rows, read.parts)
}

/// The most memory that this process ever had, in KiB.
#[expect(clippy::disallowed_methods, reason = "the rule is core's, and this asks the system about it")]
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hundred_thousand_leads_take_no_more_memory_than_twenty_thousand() {
    let (rows, parts) = export(20_000).await;
    assert!(rows == 20_000 && parts >= 2, "{rows} rows in {parts} parts");
    let of_some = peak_kib();
    let (rows, parts) = export(100_000).await;
    assert!(rows == 100_000 && parts >= 8, "{rows} rows in {parts} parts");
    let of_many = peak_kib();
    assert!(of_many * 4 <= of_some * 5, "{of_some} KiB for 20,000 leads, {of_many} KiB for 100,000");
    assert!(of_many < 64 * 1024, "{of_many} KiB");
    println!("peak {of_some} KiB after 20,000 leads, {of_many} KiB after 100,000; {parts} parts");
}
