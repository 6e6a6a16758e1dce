//! The window of one client: the maximum number of its lines in progress at its process.

use tokio::sync::Semaphore;

/// The maximum number of lines in progress.
/// A dialogue needs one, a pasted or piped one (`printf 'Ann\ny\n' | nc`) a few. Further lines wait in the
/// kernel and then at the client.
pub const LINES_MAX: usize = 8;

#[derive(Debug)]
pub(super) struct Window(Semaphore);

impl Default for Window {
    fn default() -> Window {
        Window(Semaphore::new(LINES_MAX))
    }
}

impl Window {
    /// Waits until one more line may be passed to the process.
    pub(super) async fn take(&self) {
        // The semaphore is never closed. The permit is returned by `give_back`.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }

    /// Notes that the process has handled one line.
    pub(super) fn give_back(&self) {
        if self.0.available_permits() < LINES_MAX {
            self.0.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_given_back_too_often_do_not_widen_the_window() {
        let window = Window::default();
        window.give_back();
        assert_eq!(window.0.available_permits(), LINES_MAX);
    }
}
