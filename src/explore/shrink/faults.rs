//! Fewer faults: none at all, then whole chunks left out, then one at a time until none can go (Zeller and
//! Hildebrandt 2002, "Simplifying and isolating failure-inducing input").

use super::Shrinking;

/// Leaves faults out until no single one can be.
pub(super) fn fewer(shrinking: &mut Shrinking<'_>) {
    if shrinking.best.faults.is_empty() || shrinking.faults_suffice(&[]) {
        return;
    }
    let mut chunk = shrinking.best.faults.len().div_ceil(2);
    loop {
        let mut removed_any = false;
        let mut start = 0;
        while start < shrinking.best.faults.len() && !shrinking.is_over() {
            let mut fewer = shrinking.best.faults.clone();
            fewer.drain(start..(start + chunk).min(fewer.len()));
            if shrinking.faults_suffice(&fewer) {
                removed_any = true;
            } else {
                start += chunk;
            }
        }
        if !shrinking.best.is_finished || chunk == 1 && !removed_any {
            return;
        }
        chunk = chunk.div_ceil(2);
    }
}
