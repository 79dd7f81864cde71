/// Asks the user's function for an API key whenever the core wants one.
actor Credentials {
    /// Whether this code runs inside a key function. A call made there must not wait for the key that it is to return.
    @TaskLocal static var isAsking = false

    private let ask: @Sendable () async throws -> String
    /// What came instead of a key the last time that none came.
    private(set) var failure: (any Error)?

    init(_ ask: @escaping @Sendable () async throws -> String) { self.ask = ask }

    /// Serves the core until the client is closed or this task is cancelled.
    func serve(_ native: Native) async {
        while (try? await native.call("client.keyWanted")) != nil {
            do {
                let key = try await Self.$isAsking.withValue(true) { try await ask() }
                _ = try await native.local("client.setKey", ["apiKey": key])
            } catch {
                failure = error
                _ = try? await native.local("client.keyFailed", ["message": "\(type(of: error)): \(error)"])
            }
        }
    }
}

extension Credentials: CustomReflectable {
    /// Empty: the function may hold a key.
    nonisolated var customMirror: Mirror { Mirror(self, children: []) }
}
