import Foundation
internal import HightouchNative

/// The native client, and how a call crosses to it. No other file imports the native module.
struct Native: Sendable {
    private let engine: Engine

    init(_ settings: Fields) throws {
        do {
            engine = try Engine(settings: try settings.json(by: Coding.encoder()))
        } catch {
            throw HightouchError(crossing: error)
        }
    }

    /// Makes one call; cancelling the task ends the request that is under way.
    ///
    /// - Throws: `HightouchError`, of the kind `cancelled` if the task was cancelled.
    func call(_ op: String, _ arguments: Fields = [:], _ options: Fields = [:]) async throws -> Answer {
        let cancel = Cancel()
        return try await withTaskCancellationHandler {
            try await answer(op, arguments, options, cancel)
        } onCancel: {
            cancel.cancel()
        }
    }

    /// Makes a call that sends nothing, also in a cancelled task: that is where closing is wanted most.
    func local(_ op: String, _ arguments: Fields = [:]) async throws -> Answer {
        try await answer(op, arguments, [:], Cancel())
    }

    private func answer(_ op: String, _ arguments: Fields, _ options: Fields, _ cancel: Cancel) async throws -> Answer {
        let (args, opts) = (try arguments.json(), try options.json())
        let reply: Reply
        do {
            reply = try await engine.call(op: op, args: args, opts: opts, cancel: cancel)
        } catch {
            throw HightouchError(crossing: error)
        }
        guard reply.ok else { throw HightouchError(failure: reply.head) }
        return Answer(head: try read(Answer.Head.self, from: Data(reply.head.utf8)), body: reply.body)
    }
}

/// What a client, its lists and its runs share: calls as users see them, with hooks and the language's cancellation.
final class Door: Sendable {
    private let native: Native
    private let hooks: Hooks
    private let credentials: Credentials?
    /// Serves the core with keys. It holds the native client alone, so that it cannot keep this door alive.
    private let asking: Task<Void, Never>?

    init(_ settings: Fields, credentials: Credentials? = nil, hooks: Hooks = Hooks()) throws {
        let native = try Native(settings)
        self.native = native
        self.hooks = hooks
        self.credentials = credentials
        // Detached: the client may be created inside the key function of another one.
        asking = credentials.map { credentials in Task.detached { await credentials.serve(native) } }
    }

    deinit { asking?.cancel() }

    /// Makes one call; cancelling the task ends the request that is under way.
    ///
    /// - Throws: `HightouchError`, or `CancellationError` if the task was cancelled and there is no more to say.
    func call(_ op: String, _ arguments: Fields = [:], _ options: Fields = [:]) async throws -> Answer {
        var options = options
        options.set("inKeyFunction", Credentials.isAsking ? true : nil)
        hooks.onStart?(CallStart(op: op))
        do {
            let answer = try await native.call(op, arguments, options)
            hooks.onEnd?(CallEnd(op: op, meta: answer.head.meta, error: nil))
            return answer
        } catch {
            var error = HightouchError(crossing: error)
            if error.code == "key_function", !Credentials.isAsking {
                error.underlying = await credentials?.failure
            }
            hooks.onEnd?(CallEnd(op: op, meta: error.meta, error: error))
            throw error.isMereCancellation ? CancellationError() : error
        }
    }

    /// Makes a call that sends nothing and that cancelling does not end.
    func local(_ op: String, _ arguments: Fields = [:]) async throws -> Answer {
        try await native.local(op, arguments)
    }

    /// Ends the calls under way and the asking for keys.
    func close() async throws {
        // After the core has closed: what a cancelled key function throws must not be why the calls end.
        defer { asking?.cancel() }
        _ = try await local("client.close")
    }
}

/// What a call gave.
struct Answer {
    struct Head: Decodable {
        let meta: CallMeta
        let next: String?
        let http: HTTP?

        private enum CodingKeys: String, CodingKey {
            case meta, next
        }

        init(from decoder: any Decoder) throws {
            let head = try decoder.container(keyedBy: CodingKeys.self)
            meta = try head.decode(CallMeta.self, forKey: .meta)
            next = try head.decodeIfPresent(String.self, forKey: .next)
            http = try? head.decode(HTTP.self, forKey: .meta)
        }
    }

    /// There where the answer was asked for as it came.
    struct HTTP: Decodable {
        let status: Int
        let headers: [String: String]
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
        return try Coding.doorDecoder().decode(type, from: json)
    } catch {
        throw HightouchError(.internal, "the core's answer is no \(type): \(error)")
    }
}

extension HightouchError {
    fileprivate init(failure json: String) {
        do {
            self = try Coding.doorDecoder().decode(HightouchError.self, from: Data(json.utf8))
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
