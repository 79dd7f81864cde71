/// One page of a list.
public struct Page<Element: Sendable>: Sendable {
    /// The elements of the page, without elements that were already on one of the two previous pages. The array can be
    /// empty even if more pages follow.
    public let items: [Element]
    /// Whether this is the last page.
    public let isLast: Bool
    /// Statistics of the call that fetched the page.
    public let meta: CallMeta
    /// Identifies the sync, identity graph or flow that the elements belong to, if any. An id or slug that is not known
    /// is nil.
    public let parent: RecordParent

    /// Creates a page, for example for a test.
    public init(
        items: [Element], isLast: Bool = true, meta: CallMeta = CallMeta(), parent: RecordParent = RecordParent()
    ) {
        (self.items, self.isLast, self.meta, self.parent) = (items, isLast, meta, parent)
    }
}

extension Page: Equatable where Element: Equatable {}

/// A list that fetches its pages while you iterate over it. Each iteration fetches the pages again.
///
/// ```swift
/// for try await sync in ht.syncs.list() { print(sync.slug) }
/// for try await page in ht.syncs.list().pages { print(page.items.count) }
/// let page = try await ht.syncs.list().firstPage()
/// let syncs = try await ht.syncs.list().all()
/// ```
///
/// If elements are created or deleted during the iteration, no other element is skipped or repeated. Iterating throws
/// ``HightouchError``, or `CancellationError` if the task was cancelled. The iteration ends after an error.
public struct PagedSequence<Element: Decodable & Sendable>: AsyncSequence, Sendable {
    /// Identifies a page of the list.
    fileprivate enum Place: Sendable {
        case first
        /// The page that this token names. The answer with the previous page contained the token.
        case token(String)
        /// The page with this index among the pages that ``init(pages:)`` received.
        case index(Int)
    }

    fileprivate let fetch: @Sendable (Place) async throws -> (page: Page<Element>, next: Place?)

    init(
        door: Door, op: String, arguments: Fields, options: CallOptions, parent: RecordParent = RecordParent()
    ) {
        fetch = { place in
            let isNext = if case .token(let token) = place { token } else { String?.none }
            let response = try await door.call(op, isNext.map { ["next": $0] } ?? arguments, options.fields)
            var parent = parent
            // The caller may have named the sync by its slug, so the id of the sync comes from the core.
            parent.syncId = response.head.sync
            let next = response.head.next
            let page = Page<Element>(
                items: try response.value(), isLast: next == nil, meta: response.head.meta, parent: parent)
            return (page, next.map { .token($0) })
        }
    }

    /// Creates a list that has these pages, for example for a test. The list sends nothing.
    ///
    /// ```swift
    /// let list = PagedSequence(pages: [Page(items: [Sync(id: 7, slug: "orders")])])
    /// for try await sync in list { print(sync.slug) }
    /// ```
    public init(pages: [Page<Element>]) {
        fetch = { place in
            let index = if case .index(let index) = place { index } else { 0 }
            guard pages.indices.contains(index) else { return (Page(items: []), nil) }
            return (pages[index], pages.indices.contains(index + 1) ? .index(index + 1) : nil)
        }
    }

    /// The pages of the list, for iterating page by page.
    public var pages: Pages { Pages(list: self) }

    /// Fetches only the first page.
    ///
    /// - Returns: The first page. It is empty if the list is empty.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled.
    public func firstPage() async throws -> Page<Element> {
        try await fetch(.first).page
    }

    /// Fetches the whole list into memory.
    ///
    /// - Returns: All elements in order.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled.
    public func all() async throws -> [Element] {
        try await pages.reduce(into: []) { $0 += $1.items }
    }

    /// Fetches the first elements into memory. Fetches no more pages than these elements need. To iterate over the
    /// elements instead, use `prefix(_:)`.
    ///
    /// - Parameter max: How many elements, 0 or more.
    /// - Returns: The first elements in order; fewer than `max` if the list is shorter.
    /// - Throws: ``HightouchError``, of kind `invalidRequest` if `max` is negative, or `CancellationError` if the task
    ///   was cancelled.
    public func collect(max: Int) async throws -> [Element] {
        guard max >= 0 else {
            throw HightouchError(
                .invalidRequest, "collect(max:) takes a number of at least 0, not \(max). Nothing was sent.")
        }
        return try await prefix(max).reduce(into: []) { $0.append($1) }
    }

    /// Fetches the first element, with the rest of its page.
    ///
    /// - Returns: The first element; nil if the list is empty.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled.
    public func first() async throws -> Element? {
        try await first { _ in true }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(pages: pages.makeAsyncIterator())
    }

    /// Iterates over the elements.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var pages: Pages.Iterator
        private var items: ArraySlice<Element> = []

        fileprivate init(pages: Pages.Iterator) { self.pages = pages }

        public mutating func next() async throws -> Element? {
            while items.isEmpty {
                guard let page = try await pages.next() else { return nil }
                items = page.items[...]
            }
            return items.removeFirst()
        }
    }

    /// The pages of a list.
    public struct Pages: AsyncSequence, Sendable {
        let list: PagedSequence

        public func makeAsyncIterator() -> Iterator {
            Iterator(list: list, next: .first)
        }

        /// Iterates over the pages.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let list: PagedSequence
            /// The page that `next` fetches; nil after the last page or an error.
            fileprivate var place: Place?

            fileprivate init(list: PagedSequence, next: Place?) { (self.list, place) = (list, next) }

            public mutating func next() async throws -> Page<Element>? {
                guard let place else { return nil }
                self.place = nil
                let (page, next) = try await list.fetch(place)
                self.place = next
                return page
            }
        }
    }
}
