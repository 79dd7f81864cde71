/// One page of a list.
public struct Page<Element: Sendable>: Sendable {
    /// The elements of the page, without those that one of the two previous pages contained. The array can be empty
    /// even if more pages follow.
    public let items: [Element]
    /// Whether this is the last page.
    public let isLast: Bool
    /// Statistics of the call that fetched the page.
    public let meta: CallMeta
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
    let door: Door
    let op: String
    let arguments: Fields
    let options: CallOptions

    /// The pages of the list, for iterating page by page.
    public var pages: Pages { Pages(list: self) }

    /// Fetches only the first page.
    ///
    /// - Returns: The first page. It is empty if the list is empty.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled.
    public func firstPage() async throws -> Page<Element> {
        try await fetch(arguments).page
    }

    /// Fetches the whole list into memory.
    ///
    /// - Returns: All elements in order.
    /// - Throws: ``HightouchError``, or `CancellationError` if the task was cancelled.
    public func all() async throws -> [Element] {
        try await pages.reduce(into: []) { $0 += $1.items }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(pages: pages.makeAsyncIterator())
    }

    fileprivate func fetch(_ arguments: Fields) async throws -> (page: Page<Element>, next: String?) {
        let response = try await door.call(op, arguments, options.fields)
        let next = response.head.next
        return (Page(items: try response.value(), isLast: next == nil, meta: response.head.meta), next)
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
            Iterator(list: list, nextArguments: list.arguments)
        }

        /// Iterates over the pages.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let list: PagedSequence
            /// The arguments for the next page; nil after the last page or an error.
            fileprivate var nextArguments: Fields?

            public mutating func next() async throws -> Page<Element>? {
                guard let arguments = nextArguments else { return nil }
                nextArguments = nil
                let (page, next) = try await list.fetch(arguments)
                nextArguments = next.map { ["next": $0] }
                return page
            }
        }
    }
}
