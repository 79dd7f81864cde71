/// Runs the user's credentials function, which returns the API key, each time the core needs a key.
actor CredentialsProvider {
    /// Whether this task runs inside a credentials function. If true, the core rejects calls of every client that has a
    /// credentials function. Otherwise, a call could wait forever for the key that the running function has not
    /// returned yet.
    @TaskLocal static var isRunning = false

    private let function: @Sendable () async throws -> String
    /// The last error that the function threw, or the core's error for an invalid key that the function returned.
    private(set) var lastError: (any Error)?

    init(_ function: @escaping @Sendable () async throws -> String) { self.function = function }

    /// Answers the core's requests for an API key until the client is closed or this task is cancelled.
    func serve(_ native: Native) async {
        while (try? await native.call("client.keyWanted")) != nil {
            do {
                let key = try await Self.$isRunning.withValue(true) { try await function() }
                _ = try await native.local("client.setKey", ["apiKey": key])
            } catch {
                lastError = error
                _ = try? await native.local("client.keyFailed", ["message": "\(type(of: error)): \(error)"])
            }
        }
    }
}

extension CredentialsProvider: CustomReflectable {
    /// A mirror without children, because the function may capture a key.
    nonisolated var customMirror: Mirror { Mirror(self, children: []) }
}
