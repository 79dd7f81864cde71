import Foundation
internal import HightouchNative

/// The one way into the core: calls as JSON, answers as values. No other file knows of the native module.
final class Door: Sendable {
    private let engine: Engine
    private let credentials: Credentials?
    private let hooks: Hooks

    init(_ settings: Fields, credentials: Credentials? = nil, hooks: Hooks = Hooks()) throws {
        self.credentials = credentials
        self.hooks = hooks
        do {
            engine = try Engine(settings: try settings.json(by: Coding.encoder()))
        } catch {
            throw HightouchError(crossing: error)
        }
    }

    /// Makes one call; cancelling the task ends the request that is under way.
    ///
    /// - Throws: `HightouchError`, or `CancellationError` where the task was cancelled.
    func call(_ op: String, _ arguments: Fields = [:], _ options: Fields = [:]) async throws -> Answer {
        guard let credentials else { return try await hooked(op, arguments, options) }
        let generation = try await credentials.first(setting: setKey)
        do {
            return try await hooked(op, arguments, options)
        } catch let error as HightouchError where error.kind == .authentication {
            guard try await credentials.renewed(since: generation, setting: setKey) else { throw error }
            return try await hooked(op, arguments, options)
        }
    }

    /// Makes a call that sends nothing, also in a task that was cancelled: closing is most wanted there.
    func local(_ op: String, _ arguments: Fields = [:]) async throws -> Answer {
        try await answer(op, arguments, [:], Cancel())
    }

    /// Uses another key from now on, whoever gave it.
    func setKey(_ key: Secret) async throws {
        _ = try await local("client.setKey", ["apiKey": key.text])
    }

    /// Uses another key from now on; calls that failed with an older one need not ask for one.
    func replaceKey(_ key: Secret) async throws {
        try await setKey(key)
        await credentials?.replaced(by: key)
    }

    private func hooked(_ op: String, _ arguments: Fields, _ options: Fields) async throws -> Answer {
        hooks.onStart?(CallStart(op: op))
        do {
            let cancel = Cancel()
            let answer = try await withTaskCancellationHandler {
                try await self.answer(op, arguments, options, cancel)
            } onCancel: {
                cancel.cancel()
            }
            hooks.onEnd?(CallEnd(op: op, meta: answer.head.meta, error: nil))
            return answer
        } catch {
            hooks.onEnd?(CallEnd(op: op, meta: (error as? HightouchError)?.meta, error: error))
            throw error
        }
    }

    private func answer(_ op: String, _ arguments: Fields, _ options: Fields, _ cancel: Cancel) async throws -> Answer {
        let (args, opts) = (try arguments.json(), try options.json())
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
