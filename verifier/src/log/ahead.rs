//! Reading ahead: workers do the jobs in parallel, the results come in order, and only so many wait at a time.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// How many finished jobs of one worker may wait to be taken.
const AHEAD: usize = 2;

/// Does every job, `workers` of them at a time, and hands the results to `take` in the order of the jobs, until it
/// refuses one.
///
/// The jobs are never gathered: how many there are may be somebody else's word.
pub(super) fn in_order<J, T: Send, E>(
    jobs: &(impl Iterator<Item = J> + Clone + Send),
    workers: usize,
    work: impl Fn(J) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let (workers, work) = (jobs.clone().take(workers).count().max(1), &work);
    thread::scope(|scope| {
        let lanes: Vec<Receiver<T>> = (0..workers)
            .map(|lane| {
                let (sender, receiver) = sync_channel(AHEAD);
                let jobs = jobs.clone().skip(lane).step_by(workers);
                scope.spawn(move || {
                    for job in jobs {
                        // Nobody waits for the rest once a result was refused.
                        if sender.send(work(job)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        for lane in lanes.iter().cycle() {
            match lane.recv() {
                Ok(done) => take(done)?,
                // Jobs are dealt out in turn, so the first worker without one marks the end.
                Err(_no_more) => break,
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_from_any_number_of_workers() {
        for (jobs, workers) in [(0, 3), (1, 8), (7, 1), (100, 0), (1000, 7)] {
            let mut taken = Vec::new();
            let done = in_order(
                &(0..jobs),
                workers,
                |job| job * 2,
                |double| {
                    taken.push(double);
                    Ok::<(), ()>(())
                },
            );
            assert_eq!(done, Ok(()));
            assert_eq!(taken, (0..jobs).map(|job| job * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_is_done_far_ahead_of_what_is_taken() {
        let done = AtomicUsize::new(0);
        let stopped = in_order(
            &(0..usize::MAX),
            4,
            |job| {
                done.fetch_add(1, Ordering::Relaxed);
                job
            },
            |job| if job < 10 { Ok(()) } else { Err(job) },
        );
        assert_eq!(stopped, Err(10));
        assert!(done.load(Ordering::Relaxed) < 10 + 4 * (AHEAD + 2) + 4);
    }
}
