//! Huge pages, which Windows gives only to processes with a privilege of their own.

pub(crate) fn prefer_huge_pages<T>(_allocated: &Vec<T>) {}
