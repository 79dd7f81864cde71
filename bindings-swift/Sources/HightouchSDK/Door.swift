import Foundation
internal import HightouchNative

/// The one way into the core: calls as JSON, answers as values. No other file knows of the native module.
final class Door: Sendable {
    private let engine: Engine

    init(_ settings: Fields) throws {
        do {
            engine = try Engine(settings: try settings.json())
        } catch {
            throw HightouchError(crossing: error)
        }
    }

    /// Makes one call; cancelling the task ends the request that is under way.
    ///
    /// - Throws: `HightouchError`, or `CancellationError` where the task was cancelled.
    func call(_ op: String, _ arguments: Fields = Fields(), _ options: CallOptions = CallOptions()) async throws
        -> Answer
    {
        let cancel = Cancel()
        return try await withTaskCancellationHandler {
            try await answer(op, arguments, options, cancel)
        } onCancel: {
            cancel.cancel()
        }
    }

    /// Makes a call that sends nothing, also in a task that was cancelled: closing is most wanted there.
    func local(_ op: String, _ arguments: Fields = Fields()) async throws -> Answer {
        try await answer(op, arguments, CallOptions(), Cancel())
    }

    private func answer(_ op: String, _ arguments: Fields, _ options: CallOptions, _ cancel: Cancel) async throws
        -> Answer
    {
        let (args, opts) = (try arguments.json(), try options.fields.json())
        let reply: Reply
        do {
            reply = try await engine.call(op: op, args: args, opts: opts, cancel: cancel)
        } catch {
            throw HightouchError(crossing: error)
        }
        guard reply.ok else {
            let error = HightouchError(failure: reply.head)
            throw error.kind == .cancelled && Task.isCancelled ? CancellationError() : error
        }
        return Answer(head: try read(Answer.Head.self, from: Data(reply.head.utf8)), body: reply.body)
    }
}

/// What a call gave.
struct Answer {
    struct Head: Decodable {
        let meta: CallMeta
        let next: String?
    }

    let head: Head
    let body: Data

    func value<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try read(type, from: body)
    }
}

/// The core writes what the types of this package are made for; a difference is a defect.
private func read<Value: Decodable>(_ type: Value.Type, from json: Data) throws -> Value {
    do {
        return try Coding.decoder().decode(type, from: json)
    } catch {
        throw HightouchError(.internal, "the core's answer is no \(type): \(error)")
    }
}

extension HightouchError {
    fileprivate init(failure json: String) {
        do {
            self = try Coding.decoder().decode(HightouchError.self, from: Data(json.utf8))
        } catch {
            self.init(.internal, "the core's failure cannot be read: \(error)")
        }
    }

    /// Whatever is thrown at the bridge itself: refused settings, or a panic that uniffi has caught.
    fileprivate init(crossing error: any Error) {
        switch error {
        case BridgeError.Refused(let failure): self.init(failure: failure)
        case let error as HightouchError: self = error
        default: self.init(.internal, "the bridge to the core failed: \(error)")
        }
    }
}
