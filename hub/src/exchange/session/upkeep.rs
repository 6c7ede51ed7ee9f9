//! What a stream needs besides statements: its place, news of the institution, probes, and an end with the certificate.

use std::sync::Arc;
use std::time::Duration;

use safeharbor_core::code::Code;
use safeharbor_proto::v1::hub_message::Message as ToNode;
use safeharbor_proto::{situation_to_wire, v1};
use safeharbor_service::speech::chain_of;
use serde_json::json;
use tokio::sync::Notify;

use super::super::live::{Occupied, Place, Process};
use super::super::peer::LOOK_EVERY;
use super::super::situation::Teller;
use super::{Ended, Session};
use crate::authority::AuthoritiesFailed;
use crate::tls_key::verify_shown;

/// How long the node that holds the place may take to answer when another one wants it.
const PROBE_MAX: Duration = Duration::from_secs(3);
/// A clone that tries again and again fills neither the audit log nor the disk.
const ALARM_EVERY_MS: u64 = 60_000;

impl Session {
    /// Takes the institution's place. While another node with its key is there, both sides' people are told instead.
    pub(super) async fn enter(&self, hello: &v1::Hello) -> Result<Place, Ended> {
        // Whoever says nothing of its process is one process: a later stream takes over.
        let process = Process::try_from(hello.process.as_slice()).unwrap_or_default();
        match self.services.live.enter(self.institution, process, PROBE_MAX).await {
            Ok(place) => Ok(place),
            Err(Occupied) => {
                self.note_clone().await;
                let text = "another node with the same key is connected and answers; stop one of the two";
                Err(Ended::with(Code::NodeCloned, text))
            }
        }
    }

    async fn note_clone(&self) {
        let (now, mut is_news) = (self.services.clock.now_ms(), false);
        self.services.shared.note_contact(self.institution, now, |contact| {
            is_news = contact.cloned_ms.is_none_or(|before| now.saturating_sub(before) >= ALARM_EVERY_MS);
            if is_news {
                contact.cloned_ms = Some(now);
            }
        });
        if !is_news {
            return;
        }
        tracing::error!(institution = %self.institution, address = %self.address, "a second node has this key");
        let (audit, institution) = (Arc::clone(&self.services.audit), self.institution);
        let detail = json!({ "address": self.address.ip().to_string() });
        let append = move || audit.append(None, Code::NodeCloned.as_str(), institution.as_str(), detail);
        if !matches!(tokio::task::spawn_blocking(append).await, Ok(Ok(_))) {
            tracing::error!(institution = %self.institution, "a second node is not in the audit log");
        }
    }

    /// Says how the institution stands.
    pub(super) async fn begin_telling(&self) -> Result<Teller, Ended> {
        let mut teller = Teller::begin(&self.services).map_err(|failed| self.unknown(&failed))?;
        self.tell(&mut teller).await?;
        Ok(teller)
    }

    /// Says so again whenever it changes, and when a refusal may have overtaken what was said.
    pub(super) async fn tell_situations(&self, mut teller: Teller, unsituated: &Notify) -> Result<(), Ended> {
        loop {
            tokio::select! {
                changed = teller.wait_for_change(&self.services) => {
                    changed.map_err(|failed| self.unknown(&failed))?;
                }
                () = unsituated.notified() => teller.forget(),
            }
            self.tell(&mut teller).await?;
            // A change may have been the end of what it connected with; it was told of the change first.
            self.verify_shown()?;
        }
    }

    /// The node is not told why: that names files of the hub.
    fn unknown(&self, failed: &AuthoritiesFailed) -> Ended {
        tracing::error!(institution = %self.institution, error = chain_of(failed), "a situation is not known");
        Ended::with(Code::Internal, "the situation is not known; try again later")
    }

    async fn tell(&self, teller: &mut Teller) -> Result<(), Ended> {
        let now_ms = self.services.clock.now_ms();
        let news = teller.news(&self.services.shared.ledger(), &self.institution, now_ms);
        match news {
            Some(situation) => self.send(ToNode::Situation(situation_to_wire(situation))).await,
            None => Ok(()),
        }
    }

    /// Asks whether the node is alive whenever another one wants its place.
    pub(super) async fn send_probes(&self, place: &Place) -> Result<(), Ended> {
        let mut probes = place.probes();
        loop {
            let nonce = *probes.borrow_and_update();
            if nonce > 0 {
                self.send(ToNode::Probe(v1::Probe { nonce })).await?;
            }
            probes.changed().await.or(Err(Ended::by_node()))?;
        }
    }

    /// Returns once what the connection shows does not speak for the institution any more.
    pub(super) async fn outlive_certificate(&self) -> Ended {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(ended) = self.verify_shown() {
                return ended;
            }
        }
    }

    fn verify_shown(&self) -> Result<(), Ended> {
        verify_shown(&self.services, &self.shown)
            .map_err(|refused| Ended::with(refused.code(), &refused.to_string()))
    }
}
