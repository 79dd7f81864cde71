/// One page of a list.
public struct Page<Element: Sendable>: Sendable {
    /// What is on it; rows that an earlier page had are left out.
    public let items: [Element]
    /// Whether the list ends with it.
    public let isLast: Bool
    /// How the call went.
    public let meta: CallMeta
}

extension Page: Equatable where Element: Equatable {}

/// A list that is fetched page by page while it is gone through, each time anew.
///
/// ```swift
/// for try await sync in ht.syncs.list() { … }
/// for try await page in ht.syncs.list().pages { … }
/// let page = try await ht.syncs.list().firstPage()
/// let syncs = try await ht.syncs.list().all()
/// ```
///
/// What is deleted or inserted meanwhile neither hides nor repeats a row. Going through it throws `HightouchError`, or
/// `CancellationError` where the task was cancelled; after that it has ended.
public struct PagedSequence<Element: Decodable & Sendable>: AsyncSequence, Sendable {
    let door: Door
    let op: String
    let arguments: Fields
    let options: CallOptions

    /// The pages instead of what is on them.
    public var pages: Pages { Pages(list: self) }

    /// The first page alone: one request.
    ///
    /// - Returns: The page, empty where the list is.
    /// - Throws: `HightouchError`.
    public func firstPage() async throws -> Page<Element> {
        try await fetch(arguments).page
    }

    /// Everything on the list, in memory.
    ///
    /// - Returns: The elements in their order.
    /// - Throws: `HightouchError`.
    public func all() async throws -> [Element] {
        try await pages.reduce(into: []) { $0 += $1.items }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(pages: pages.makeAsyncIterator())
    }

    fileprivate func fetch(_ arguments: Fields) async throws -> (page: Page<Element>, next: String?) {
        let answer = try await door.call(op, arguments, options.fields)
        let next = answer.head.next
        return (Page(items: try answer.value(), isLast: next == nil, meta: answer.head.meta), next)
    }

    /// Goes through the elements.
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
            Iterator(list: list, following: list.arguments)
        }

        /// Goes through the pages.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let list: PagedSequence
            /// Asks for the page to come; nil after the last one.
            fileprivate var following: Fields?

            public mutating func next() async throws -> Page<Element>? {
                guard let arguments = following else { return nil }
                following = nil
                let (page, next) = try await list.fetch(arguments)
                following = next.map { ["next": $0] }
                return page
            }
        }
    }
}
