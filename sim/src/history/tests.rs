//! Digests of small histories, and their events by kind.

use super::*;

fn history(notes: &[u64]) -> History<u64> {
    let mut history = History::default();
    for note in notes {
        history.append(SimTime::ZERO, (Name::new("a"), 0), None, EventKind::App(*note));
    }
    history
}

#[test]
fn the_digest_tells_order_and_content_apart() {
    assert_eq!(history(&[1, 2]).digest(), history(&[1, 2]).digest());
    assert_ne!(history(&[1, 2]).digest(), history(&[2, 1]).digest());
    assert_ne!(history(&[1]).digest(), history(&[1, 1]).digest());
}

#[test]
fn the_events_of_some_kinds_are_found_in_order() {
    let mut history = history(&[1, 2]);
    history.append(SimTime::ZERO, (Name::new("a"), 0), None, EventKind::Resumed);
    history.append(SimTime::ZERO, (Name::new("a"), 0), None, EventKind::App(3));
    let found = |kinds| history.events_of(kinds).map(|event| event.id.get()).collect::<Vec<_>>();
    assert_eq!(found(EventKinds::APP), [1, 2, 4]);
    assert_eq!(found(EventKinds::APP.and(EventKinds::RESUMED)), [1, 2, 3, 4]);
    assert!(found(EventKinds::SENT).is_empty());
}

#[test]
fn the_first_difference_is_the_first() {
    let (left, right) = (history(&[1, 2, 3]), history(&[1, 9, 3]));
    let (a, b) = left.first_difference(&right).unwrap();
    assert_eq!((a.unwrap().what.clone(), b.unwrap().what.clone()), (EventKind::App(2), EventKind::App(9)));
    assert!(left.first_difference(&left).is_none());
    let longer = history(&[1, 2, 3, 4]);
    assert!(left.first_difference(&longer).unwrap().0.is_none());
}

#[test]
fn a_digest_reads_back_as_it_is_printed() {
    let digest = history(&[1]).digest();
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert!("abc".parse::<Digest>().is_err());
}

#[test]
fn long_notes_are_folded_whole() {
    #[derive(Clone, Debug)]
    struct Long(Vec<u64>);
    impl AppEvent for Long {
        type Payload = u64;

        fn fold(&self, words: &mut Words) {
            for word in &self.0 {
                words.put(*word);
            }
        }
    }
    let digest = |last| {
        let mut history = History::default();
        let mut words: Vec<u64> = (0..99).collect();
        words.push(last);
        history.append(SimTime::ZERO, (Name::new("a"), 0), None, EventKind::App(Long(words)));
        history.digest()
    };
    assert_ne!(digest(1), digest(2));
}
