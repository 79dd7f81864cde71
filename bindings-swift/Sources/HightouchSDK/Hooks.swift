/// A call begins.
public struct CallStart: Sendable, Hashable {
    /// The operation, such as `syncs.list`; each page of a list and each look at a run is a call.
    public let op: String
}

/// A call has ended.
public struct CallEnd: Sendable {
    /// The operation, as in ``CallStart``.
    public let op: String
    /// How it went; nil where the call did not come so far.
    public let meta: CallMeta?
    /// Why it failed; nil if it did not. Of a cancelled call it is always the ``HightouchError`` of the kind `cancelled`,
    /// also if the call throws `CancellationError`.
    public let error: (any Error)?
}

struct Hooks: Sendable {
    var onStart: (@Sendable (CallStart) -> Void)?
    var onEnd: (@Sendable (CallEnd) -> Void)?
}
