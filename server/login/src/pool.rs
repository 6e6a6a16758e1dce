//! Threads for work that takes tens of milliseconds of a core: few of them, and a bounded queue.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use parking_lot::Mutex;

/// The jobs that wait at most. With 2 threads and 50 ms for each, the last of them waits for 1.6 s.
pub const QUEUE_MAX: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Threads with a queue. They end when the pool is dropped, after the jobs that wait.
pub struct Pool {
    jobs: SyncSender<Job>,
}

impl Pool {
    /// Starts this number of threads.
    ///
    /// # Errors
    /// The error of the system when it starts no thread.
    pub fn start(threads: usize) -> io::Result<Pool> {
        let (sender, jobs) = sync_channel(QUEUE_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let jobs = jobs.clone();
            let thread = thread::Builder::new().name("words".to_string());
            thread.spawn(move || work(&jobs))?;
        }
        Ok(Pool { jobs: sender })
    }

    /// Queues a job. `false` when the queue is full: then the job is dropped.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> bool {
        self.jobs.try_send(Box::new(job)).is_ok()
    }
}

/// Works until the pool is dropped. The thread that waits for the next job holds the lock, and no other.
fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_has_a_bound_and_all_that_it_took_is_done() {
        let pool = Pool::start(1).unwrap();
        let (go, gate) = sync_channel::<()>(0);
        let (began, begins) = sync_channel(0);
        assert!(pool.submit(move || {
            began.send(()).unwrap();
            gate.recv().unwrap();
        }));
        begins.recv().unwrap();
        let (done, all) = sync_channel(QUEUE_MAX);
        let submit = |number: &usize| {
            let (done, number) = (done.clone(), *number);
            pool.submit(move || done.send(number).unwrap())
        };
        assert_eq!((0..1_000).take_while(submit).count(), QUEUE_MAX);
        drop(done);
        go.send(()).unwrap();
        assert_eq!(
            all.iter().collect::<Vec<_>>(),
            (0..QUEUE_MAX).collect::<Vec<_>>()
        );
    }
}
