//! A list that grows without moving its elements.
//!
//! A shard keeps its processes, timers and messages in lists that become hundreds of megabytes long. A list that
//! doubles by moving would copy 100 MB of them in one turn at three million processes, and touch each page of memory
//! twice. Called by `shard/slab`, `wheel` and `mailbox`, which recycle elements: none is ever removed.

use std::ops::{Index, IndexMut};

/// Elements of a page. At 70 bytes each a page is 280 KiB, and a million elements are 250 pages, whose own
/// list stays in the nearest cache.
const PAGE: usize = 1 << 12;

pub(crate) struct Pages<T> {
    /// All pages are full but the last. The first grows like any list, so that a small node stays small.
    pages: Vec<Vec<T>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Pages<T> {
        Pages::new()
    }
}

impl<T> Pages<T> {
    pub(crate) fn new() -> Pages<T> {
        Pages {
            pages: vec![Vec::new()],
        }
    }

    pub(crate) fn len(&self) -> usize {
        let full = self.pages.len() - 1;
        full * PAGE + self.pages[full].len()
    }

    pub(crate) fn push(&mut self, element: T) {
        let last = self.pages.len() - 1;
        if self.pages[last].len() < PAGE {
            return self.pages[last].push(element);
        }
        let mut page = Vec::with_capacity(PAGE);
        page.push(element);
        self.pages.push(page);
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.pages.get_mut(index / PAGE)?.get_mut(index % PAGE)
    }

    /// All elements, in their order.
    pub(crate) fn into_elements(self) -> impl Iterator<Item = T> {
        self.pages.into_iter().flatten()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}

impl<T> Index<usize> for Pages<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.pages[index / PAGE][index % PAGE]
    }
}

impl<T> IndexMut<usize> for Pages<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.pages[index / PAGE][index % PAGE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list_over_the_edges_of_its_pages() {
        let mut pages = Pages::new();
        let mut list = Vec::new();
        for number in 0..2 * PAGE + 2 {
            assert_eq!((pages.len(), pages.get(number)), (number, None));
            pages.push(number);
            list.push(number);
        }
        for index in [0, PAGE - 1, PAGE, 2 * PAGE, 2 * PAGE + 1] {
            pages[index] += 7;
            list[index] += 7;
            assert_eq!(pages.get_mut(index), list.get_mut(index));
        }
        assert!(pages.iter().eq(&list));
        assert_eq!(pages.get_mut(usize::MAX), None);
    }

    #[test]
    fn what_is_in_it_stays_where_it_is_from_the_second_page_on() {
        let mut pages = Pages::new();
        (0..PAGE + 1).for_each(|number| pages.push(number));
        let of = |pages: &Pages<usize>| [0, PAGE].map(|index| std::ptr::from_ref(&pages[index]));
        let before = of(&pages);
        (0..9 * PAGE).for_each(|number| pages.push(number));
        assert_eq!(of(&pages), before);
    }
}
