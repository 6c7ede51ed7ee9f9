//! Every case of a stream, one by one.

use super::*;

fn digest(seq: u64) -> Digest {
    Digest::of(&seq.to_be_bytes())
}

fn head(seq: u64) -> Head {
    Head { seq, digest: digest(seq) }
}

fn facts(own: u64, receipts_from: u64, waiting: bool) -> Facts {
    Facts { head: head(own), receipts_from, waiting, held: false }
}

/// A machine whose chain ends at `own`, all receipted, and what it does when the hub names `hub` as its head.
fn meet(own: u64, hub: Head, own_digest: Option<Digest>) -> (Machine, Vec<Action>) {
    let mut machine = Machine::new();
    let hello = machine.handle(Event::Opened(facts(own, own + 1, false)));
    assert_eq!(hello, [Action::SendHello { receipts_from: own + 1 }]);
    let actions = machine.handle(Event::HeadArrived { hub, own: own_digest, receipted: 0 });
    (machine, actions)
}

/// A machine in step with a hub at `own`.
fn live(own: u64) -> Machine {
    let (machine, actions) = meet(own, head(own), Some(digest(own)));
    assert_eq!(actions, [Action::StoreAcknowledged(head(own))]);
    machine
}

fn acknowledge(machine: &mut Machine, seq: u64) -> Vec<Action> {
    machine.handle(Event::AcknowledgementArrived { hub: head(seq), own: Some(digest(seq)) })
}

fn refused(code: Code, seq: u64) -> Refused {
    Refused { seq, digest: digest(seq), code, text: "text".to_owned(), expected_seq: seq }
}

#[test]
fn equal_heads_are_in_step() {
    assert!(live(5).is_in_step());
    assert!(live(0).is_in_step());
}

#[test]
fn a_hub_ahead_is_adopted_from() {
    let (mut machine, actions) = meet(3, head(9), None);
    assert_eq!(actions, [Action::Adopt { hub: head(9) }]);
    let actions = machine.handle(Event::Adopted { head: head(9) });
    assert_eq!(actions, [Action::StoreAcknowledged(head(9))]);
    assert!(!machine.is_in_step(), "the adopted statements have no receipts");
    machine.handle(Event::ReceiptsKept { receipts_from: 10 });
    assert!(machine.is_in_step());
}

#[test]
fn what_is_not_ours_is_an_alarm_and_the_end() {
    let (mut machine, _) = meet(3, head(9), None);
    let alarm = Alarm::ForeignStatement { seq: 4, reason: "signature".to_owned() };
    let actions = machine.handle(Event::AdoptionRefused(alarm.clone()));
    assert_eq!(actions, [Action::Raise(alarm.clone()), Action::Close(After::Stop(alarm))]);
    assert_eq!(machine.handle(Event::OutboxFilled), []);
}

#[test]
fn a_hub_behind_gets_everything_again() {
    let (_, actions) = meet(9, head(3), Some(digest(3)));
    assert_eq!(actions, [Action::StoreAcknowledged(head(3)), Action::Send { from: 4, to: 9 }]);
}

#[test]
fn a_hub_that_lost_receipted_statements_is_an_alarm_and_gets_them_again() {
    let mut machine = Machine::new();
    machine.handle(Event::Opened(facts(9, 8, false)));
    let event = Event::HeadArrived { hub: head(3), own: Some(digest(3)), receipted: 7 };
    let lost = Alarm::HubLostStatements { hub_seq: 3, receipted: 7 };
    let expected = [Action::Raise(lost), Action::StoreAcknowledged(head(3)), Action::Send { from: 4, to: 9 }];
    assert_eq!(machine.handle(event), expected);
}

#[test]
fn another_digest_at_the_hubs_head_is_a_fork() {
    for own in [3, 9] {
        let theirs = Digest::of(b"theirs");
        let (mut machine, actions) = meet(own, Head { seq: 3, digest: theirs }, Some(digest(3)));
        let alarm = Alarm::Fork { seq: 3, ours: digest(3), theirs };
        let expected =
            [Action::Raise(alarm.clone()), Action::KeepFork { seq: 3 }, Action::Close(After::Stop(alarm))];
        assert_eq!(actions, expected);
        assert_eq!(machine.handle(Event::OutboxFilled), [], "nothing is sent any more");
    }
}

#[test]
fn another_admission_is_the_end() {
    let theirs = Digest::of(b"theirs");
    let (_, actions) = meet(0, Head { seq: 0, digest: theirs }, Some(digest(0)));
    let alarm = Alarm::OtherAdmission { ours: digest(0), theirs };
    assert_eq!(actions, [Action::Raise(alarm.clone()), Action::Close(After::Stop(alarm))]);
}

#[test]
fn what_waits_is_numbered_then_sent() {
    let mut machine = live(5);
    assert_eq!(machine.handle(Event::OutboxFilled), [Action::State { limit: BATCH }]);
    assert!(!machine.is_in_step());
    let actions = machine.handle(Event::Stated { head: head(7), waiting: false });
    assert_eq!(actions, [Action::Send { from: 6, to: 7 }]);
    assert_eq!(machine.handle(Event::Sent { through: 7 }), []);
    assert_eq!(acknowledge(&mut machine, 6), [Action::StoreAcknowledged(head(6))]);
    assert_eq!(acknowledge(&mut machine, 7), [Action::StoreAcknowledged(head(7))]);
    assert!(!machine.is_in_step(), "an acknowledgement is no receipt");
    machine.handle(Event::ReceiptsKept { receipts_from: 8 });
    assert!(machine.is_in_step());
}

#[test]
fn what_is_put_into_the_outbox_while_it_is_numbered_is_numbered_next() {
    let mut machine = live(5);
    assert_eq!(machine.handle(Event::OutboxFilled), [Action::State { limit: BATCH }]);
    assert_eq!(machine.handle(Event::OutboxFilled), [], "one numbering at a time");
    // The outbox was empty when it was looked at.
    assert_eq!(
        machine.handle(Event::Stated { head: head(5), waiting: false }),
        [Action::State { limit: BATCH }]
    );
    assert!(!machine.is_in_step());
    assert_eq!(machine.handle(Event::Stated { head: head(5), waiting: false }), [], "once");
    assert!(machine.is_in_step());
}

#[test]
fn a_batch_cut_by_its_bytes_goes_on_where_it_ended() {
    let mut machine = live(0);
    machine.handle(Event::OutboxFilled);
    let actions = machine.handle(Event::Stated { head: head(10), waiting: false });
    assert_eq!(actions, [Action::Send { from: 1, to: 10 }]);
    assert_eq!(machine.handle(Event::Sent { through: 4 }), [Action::Send { from: 5, to: 10 }]);
}

#[test]
fn no_more_than_the_window_is_numbered_or_sent_unacknowledged() {
    let mut machine = live(0);
    let mut actions = machine.handle(Event::OutboxFilled);
    let (mut stated, mut sent) = (0, 0);
    while let Some(action) = actions.pop() {
        let event = if let Action::Send { from, to } = action {
            assert!(from == sent + 1 && to - from < BATCH);
            sent = to;
            Event::Sent { through: to }
        } else {
            let Action::State { limit } = action else { panic!("{action:?}") };
            stated += limit;
            Event::Stated { head: head(stated), waiting: true }
        };
        actions.extend(machine.handle(event));
    }
    assert_eq!((stated, sent), (WINDOW, WINDOW));
    let actions = acknowledge(&mut machine, 100);
    assert_eq!(actions, [Action::StoreAcknowledged(head(100)), Action::State { limit: 100 }]);
}

#[test]
fn a_wrong_acknowledgement_is_an_alarm_and_a_new_stream() {
    let check = |hub: Head, own: Option<Digest>| {
        let (mut machine, _) = meet(9, head(3), Some(digest(3)));
        machine.handle(Event::Sent { through: 6 });
        let actions = machine.handle(Event::AcknowledgementArrived { hub, own });
        let alarm = Alarm::WrongAcknowledgement { seq: hub.seq, theirs: hub.digest };
        assert_eq!(actions, [Action::Raise(alarm), Action::Close(After::Retry)]);
    };
    check(Head { seq: 5, digest: Digest::of(b"theirs") }, Some(digest(5)));
    check(head(7), Some(digest(7)));
    check(head(99), None);
}

#[test]
fn an_old_acknowledgement_is_harmless() {
    let (mut machine, _) = meet(9, head(3), Some(digest(3)));
    assert_eq!(acknowledge(&mut machine, 2), []);
    assert_eq!(acknowledge(&mut machine, 3), []);
}

#[test]
fn refusals_that_pass_open_another_stream() {
    for code in [Code::SequenceGap, Code::PreviousMismatch, Code::Unavailable, Code::Internal] {
        let mut machine = live(5);
        let event = Event::RefusalArrived { refused: refused(code, 5), own: Some(digest(5)) };
        assert_eq!(machine.handle(event), [Action::Close(After::Retry)], "{code}");
    }
}

#[test]
fn a_taken_number_is_a_fork() {
    let mut machine = live(5);
    let event = Event::RefusalArrived { refused: refused(Code::NumberTaken, 5), own: Some(digest(5)) };
    let alarm = Alarm::NumberTaken { seq: 5, ours: digest(5), text: "text".to_owned() };
    let expected =
        [Action::Raise(alarm.clone()), Action::KeepFork { seq: 5 }, Action::Close(After::Stop(alarm))];
    assert_eq!(machine.handle(event), expected);
}

#[test]
fn other_refusals_are_kept_and_tried_again_much_later() {
    for code in [Code::StandingRefused, Code::SignatureInvalid, Code::StreamTaken] {
        let mut machine = Machine::new();
        machine.handle(Event::Opened(facts(5, 6, true)));
        let refused = refused(code, 0);
        let actions = machine.handle(Event::RefusalArrived { refused: refused.clone(), own: None });
        assert_eq!(actions, [Action::StoreRefusal(refused), Action::Close(After::RetryLater)], "{code}");
    }
}

#[test]
fn a_refused_identity_is_kept_for_people_and_tried_again_soon() {
    let mut machine = Machine::new();
    machine.handle(Event::Opened(facts(5, 6, true)));
    let refused = refused(Code::IdentityRefused, 0);
    let actions = machine.handle(Event::RefusalArrived { refused: refused.clone(), own: None });
    assert_eq!(actions, [Action::StoreRefusal(refused), Action::Close(After::Retry)]);
}

fn situate(machine: &mut Machine, held: bool) -> Vec<Action> {
    machine.handle(Event::SituationArrived { held })
}

#[test]
fn a_held_node_keeps_its_stream_and_goes_on_at_once_when_it_is_held_no_more() {
    let mut machine = live(5);
    assert_eq!(situate(&mut machine, true), []);
    assert_eq!(machine.handle(Event::OutboxFilled), []);
    assert!(machine.is_held_up() && !machine.is_in_step());
    assert_eq!(machine.handle(Event::ReceiptsKept { receipts_from: 6 }), []);
    assert_eq!(situate(&mut machine, true), [], "said again");
    assert_eq!(situate(&mut machine, false), [Action::State { limit: BATCH }]);
}

#[test]
fn a_node_that_becomes_held_sends_nothing_on_a_stream_that_is_to_be_closed_either() {
    let (mut machine, _) = meet(9, head(3), Some(digest(3)));
    assert_eq!(machine.handle(Event::MessageMalformed), [Action::Close(After::Retry)]);
    assert_eq!(situate(&mut machine, true), [Action::Recall]);
}

#[test]
fn a_node_that_becomes_held_takes_back_what_is_not_on_the_stream() {
    let (mut machine, _) = meet(9, head(3), Some(digest(3)));
    assert_eq!(situate(&mut machine, true), [Action::Recall]);
    assert!(machine.is_held_up());
    assert_eq!(situate(&mut machine, false), [Action::Send { from: 4, to: 9 }]);
    machine.handle(Event::Sent { through: 6 });
    assert_eq!(situate(&mut machine, true), [Action::Recall]);
    assert!(!machine.is_held_up(), "what was sent is answered first");
    assert_eq!(acknowledge(&mut machine, 6), [Action::StoreAcknowledged(head(6))], "it was in time");
    assert!(machine.is_held_up());
    assert_eq!(situate(&mut machine, false), [Action::Send { from: 7, to: 9 }]);
}

#[test]
fn a_node_that_was_held_begins_held() {
    let mut machine = Machine::new();
    machine.handle(Event::Opened(Facts { held: true, ..facts(5, 6, true) }));
    let event = Event::HeadArrived { hub: head(3), own: Some(digest(3)), receipted: 0 };
    assert_eq!(machine.handle(event), [Action::StoreAcknowledged(head(3))]);
    assert!(!machine.is_held_up(), "the hub did not say so on this stream");
    let expected = [Action::Send { from: 4, to: 5 }, Action::State { limit: BATCH }];
    assert_eq!(situate(&mut machine, false), expected);
}

#[test]
fn a_refused_standing_holds_until_the_hub_says_the_situation_again() {
    let (mut machine, _) = meet(9, head(3), Some(digest(3)));
    situate(&mut machine, false);
    machine.handle(Event::Sent { through: 9 });
    let refusal =
        || Event::RefusalArrived { refused: refused(Code::StandingRefused, 4), own: Some(digest(4)) };
    assert_eq!(machine.handle(refusal()), [], "the stream stays");
    assert_eq!(machine.handle(refusal()), []);
    assert!(machine.is_held_up());
    assert_eq!(situate(&mut machine, true), []);
    assert_eq!(situate(&mut machine, false), [Action::Send { from: 4, to: 9 }], "all of it again");
}

#[test]
fn receipts_that_do_not_verify_end_the_stream() {
    let mut machine = live(5);
    assert_eq!(machine.handle(Event::ReceiptsRefused), [Action::Close(After::Retry)]);
    let mut machine = live(5);
    let alarm = Alarm::CheckpointRefused { reason: "any".to_owned() };
    let actions = machine.handle(Event::RegistryInconsistent(alarm.clone()));
    assert_eq!(actions, [Action::Close(After::Stop(alarm))]);
}

#[test]
fn a_hub_behind_our_checkpoint_still_gets_statements_and_then_another_stream() {
    let (mut machine, _) = meet(9, head(3), Some(digest(3)));
    assert_eq!(machine.handle(Event::RegistryBehind), []);
    assert_eq!(machine.handle(Event::Sent { through: 9 }), []);
    machine.receipts_from = 4;
    let actions = acknowledge(&mut machine, 9);
    assert_eq!(actions, [Action::StoreAcknowledged(head(9)), Action::Close(After::Retry)]);
}

#[test]
fn a_second_head_or_an_early_acknowledgement_breaks_the_protocol() {
    let mut machine = live(5);
    let event = Event::HeadArrived { hub: head(5), own: Some(digest(5)), receipted: 5 };
    assert_eq!(machine.handle(event), [Action::Close(After::Retry)]);
    let mut machine = Machine::new();
    machine.handle(Event::Opened(facts(5, 6, false)));
    assert_eq!(acknowledge(&mut machine, 5), [Action::Close(After::Retry)]);
}

#[test]
fn a_closed_stream_is_forgotten() {
    let mut machine = live(5);
    machine.handle(Event::OutboxFilled);
    assert_eq!(machine.handle(Event::Closed), []);
    assert_eq!(machine.handle(Event::Stated { head: head(6), waiting: false }), []);
    let hello = machine.handle(Event::Opened(facts(6, 6, false)));
    assert_eq!(hello, [Action::SendHello { receipts_from: 6 }]);
}
