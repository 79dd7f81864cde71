/// A call that is about to be made.
///
/// Fetching one page of a list is one call. So is each step of following a run, which waits for the next change.
public struct CallStart: Sendable, Hashable {
    /// The method, such as `syncs.list`; `run` for each step of a handle's `wait` or `states`.
    public let operation: String
    /// The operation's id in the API, such as `ListSync`; nil for methods that call no single operation.
    public let operationId: String?
}

/// A call that has ended.
public struct CallEnd: Sendable {
    /// The method, as in ``CallStart``.
    public let operation: String
    /// The operation's id in the API, as in ``CallStart``.
    public let operationId: String?
    /// Statistics of the call. Nil if the call was rejected before it started, and for some errors of following a run,
    /// such as `waitTimeout`.
    public let meta: CallMeta?
    /// The error; nil if the call succeeded. For a cancelled call it is the ``HightouchError`` of kind `cancelled`,
    /// even if the call itself throws `CancellationError`.
    public let error: (any Error)?
}

extension CallStart {
    /// - Parameter op: The core's name of the method, such as `sync_sequences.trigger` for `syncSequences.trigger`.
    init(op: String) {
        let words = op.trimmingPrefix("client.").split(separator: "_")
        operation = words.dropFirst().reduce(words.first.map(String.init) ?? "") { name, word in
            name + word.prefix(1).uppercased() + word.dropFirst()
        }
        operationId = Self.operationIds[op]
    }
}

extension CallEnd {
    init(of call: CallStart, meta: CallMeta?, error: (any Error)? = nil) {
        self.init(operation: call.operation, operationId: call.operationId, meta: meta, error: error)
    }
}

struct Hooks: Sendable {
    var onStart: (@Sendable (CallStart) -> Void)?
    var onEnd: (@Sendable (CallEnd) -> Void)?
}
