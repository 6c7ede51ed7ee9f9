//! A hub in this process without network, and institutions whose statements go straight to its committer, for tests.

use std::path::Path;
use std::sync::Arc;

use safeharbor_core::chain::Head;
use safeharbor_core::digest::Digest;
use safeharbor_core::directory::{Announcement, Deciders, InstitutionType, KeyGround, KeySigns, Standing};
use safeharbor_core::entry::Entry;
use safeharbor_core::institution::{InstitutionCode, Issuer};
use safeharbor_core::json::Object;
use safeharbor_core::key::{MemorySigner, Signer as _};
use safeharbor_core::record::RecordHandle;
use safeharbor_core::sdjwt::Algorithm;
use safeharbor_core::statement::{Draft, Envelope, Statement, StatementType, Vct};
use safeharbor_service::clock::{Clock, ManualClock};
use safeharbor_service::folder::DataFolder;
use safeharbor_service::random::{Random, SystemRandom};
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use crate::committer::{Answers, Order};
use crate::intake::Checked;
use crate::journal::{FrameKey, seal};
use crate::ledger::{ChainPlace, Dimensions};
use crate::office::Office;
use crate::opening::{OpenHub, OpenHubFailed, first_announcements, open};
use crate::running::{Running, announce, wait_published};
use crate::setup::{Naming, set_up};

pub(crate) fn seams() -> (Arc<dyn Clock>, Arc<dyn Random>) {
    (Arc::new(ManualClock::at_ms(1_778_311_773_120)), Arc::new(SystemRandom))
}

/// A hub whose committer and publisher run.
pub(crate) struct HubAtWork {
    pub(crate) office: Office,
    running: Running,
    held: DataFolder,
}

impl HubAtWork {
    /// Sets a hub up in an empty folder and starts it.
    pub(crate) async fn set_up(folder: &Path) -> Self {
        let naming = Naming { name: "hub.example".to_owned(), origin: None, tls_names: Vec::new() };
        let (clock, random) = seams();
        set_up(folder, &naming, clock.as_ref(), random.as_ref()).unwrap();
        Self::start(folder).await.unwrap()
    }

    pub(crate) async fn start(folder: &Path) -> Result<Self, OpenHubFailed> {
        let (clock, random) = seams();
        let hub = open(folder, &[], (&clock, &random))?;
        let announcements = first_announcements(&hub);
        let OpenHub { folder: held, committer, publisher, desk, .. } = hub;
        let running = Running::start(committer, publisher);
        let office = Office::new(desk, running.orders());
        for announcement in announcements {
            announce(&office.orders, announcement).await.unwrap();
        }
        Ok(Self { office, running, held })
    }

    pub(crate) async fn announce(&self, announcement: Announcement) {
        let announced = announce(&self.office.orders, announcement).await.unwrap();
        wait_published(&self.office.shared, announced.index).await.unwrap();
    }

    /// Admits an institution whose key has this seed.
    pub(crate) async fn admit(&self, code: &str, seed: u8) -> Stating {
        let code: InstitutionCode = code.parse().unwrap();
        let signer = MemorySigner::from_seed(&Zeroizing::new([seed; 32]));
        let (name, kind) = ("某单位".to_owned(), InstitutionType::University);
        let (standing, decided_by) = (Standing::Active, Deciders::default());
        self.announce(Announcement::Institution { code, name, kind, standing, decided_by }).await;
        let (signs, ground, key) = (KeySigns::Statements, KeyGround::Admission, signer.public_key());
        self.announce(Announcement::KeyBegins { code, key, signs, ground, decided_by: Deciders::default() })
            .await;
        let admitted = self.office.shared.directory().institution(&code).unwrap().admitted;
        Stating { code, signer, head: Head::before_first(admitted), made: Vec::new() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.office.shared.ledger().size()
    }

    /// Hands statements to the committer, and says what is acknowledged then.
    pub(crate) async fn submit(&self, code: InstitutionCode, items: Vec<Checked>) -> Option<Head> {
        let (acknowledged, mut heads) = watch::channel(None);
        let (refused, mut refusals) = mpsc::channel(1);
        let answers = Answers { acknowledged, refused };
        let items = items.into_iter().map(Ok).collect();
        self.office.orders.send(Order::Submit { items, code, answers }).await.unwrap();
        heads.changed().await.ok();
        if let Ok(refused) = refusals.try_recv() {
            panic!("{refused:?}");
        }
        *heads.borrow()
    }

    /// Waits until everything logged is published.
    pub(crate) async fn published(&self) {
        let size = self.size();
        wait_published(&self.office.shared, size - 1).await.unwrap();
    }

    pub(crate) async fn stop(self) {
        drop(self.office);
        self.running.stop().await.unwrap();
        drop(self.held);
    }
}

/// An institution that states.
pub(crate) struct Stating {
    pub(crate) code: InstitutionCode,
    signer: MemorySigner,
    head: Head,
    /// Everything it stated, as a node keeps it.
    made: Vec<(StatementType, u8, String)>,
}

impl Stating {
    /// States about the record with this handle; a disclosure reveals one value, a withdrawal erases them.
    pub(crate) fn state(&mut self, statement: StatementType, handle: u8) -> Checked {
        let vct = Vct { statement, kind: "ACH".parse().unwrap() };
        let envelope = Envelope {
            iss: Issuer::Institution(self.code),
            iat: 1_778_311_773,
            seq: self.head.next_seq(),
            prev: self.head.digest,
            vct,
            rec: Some(RecordHandle::from_bytes([handle; 16])),
            rev: Some(u32::try_from(self.head.next_seq()).unwrap()),
            cat: Some(Digest::of(b"catalogue")),
        };
        let draft = Draft { envelope, digests: Vec::new(), claims: Object::new() };
        let jwt = draft.sign(Algorithm::EdDsa, &self.signer).unwrap();
        self.head = self.head.advance(Statement::parse(&jwt).unwrap().digest);
        self.made.push((statement, handle, jwt));
        self.again(self.made.len() - 1)
    }

    /// What was stated as number `n` + 1, sent again.
    pub(crate) fn again(&self, n: usize) -> Checked {
        let (statement, handle, jwt) = self.made[n].clone();
        let parsed = Statement::parse(&jwt).unwrap();
        let frame_key = FrameKey::from_bytes([handle.max(1); 32]);
        let revealed =
            if statement == StatementType::Disclosure { vec!["WyJh".to_owned()] } else { Vec::new() };
        let sealed = seal(&revealed, &frame_key).unwrap();
        Checked {
            code: self.code,
            key: self.signer.public_key(),
            place: ChainPlace { seq: parsed.envelope.seq, prev: parsed.envelope.prev, digest: parsed.digest },
            statement,
            kind: "ACH".parse().unwrap(),
            record: parsed.envelope.rec.zip(parsed.envelope.rev),
            content: Ok(Dimensions::default()),
            entry: Entry::of(&parsed).encode(),
            frame_key: if sealed.is_empty() { FrameKey::NONE } else { frame_key },
            sealed,
            jwt,
        }
    }
}
