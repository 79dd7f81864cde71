import Foundation
import HightouchSDK

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A running sandbox: a local server that implements the Hightouch API. Each ``World`` in it has its own keys and data.
///
/// Usually no test starts a sandbox itself: the first world of a process starts a sandbox, and all worlds of the
/// process share it. The server is a child process. It ends when this process ends, even if this process is killed. A
/// simulator cannot start processes. In a simulator, use ``init(connecting:)`` with a server that runs already, for
/// example in a container.
public final class Sandbox: Sendable {
    /// The address of the server without TLS.
    public let url: String
    /// The path of a PEM file with the certificate of the authority that signed the server's certificate. Clients need
    /// the file for ``World/tlsBaseURL``. Nil if this object did not start the server.
    public let caBundle: String?

    #if os(macOS) || os(Linux)
        private let server: ServerProcess?
    #endif

    /// Uses a server that runs already.
    ///
    /// - Parameter url: The address of the server without TLS, such as `http://127.0.0.1:4010`.
    public init(connecting url: String) {
        self.url = url
        caBundle = nil
        #if os(macOS) || os(Linux)
            server = nil
        #endif
    }

    #if os(macOS) || os(Linux)
        /// Starts a server.
        ///
        /// - Parameters:
        ///   - program: The path of the program `hightouch-sandbox`. If nil, the environment variable
        ///     `HIGHTOUCH_SANDBOX` names the program, or else the program on `PATH` is used.
        ///   - arguments: Further arguments of the program.
        /// - Throws: ``SandboxError`` if there is no such program or if it does not start.
        public init(program: String? = nil, arguments: [String] = []) async throws {
            let server = try await ServerProcess(program ?? Self.program(), arguments: arguments)
            url = server.started.httpUrl
            caBundle = server.started.ca
            self.server = server
        }

        /// Ends the server that this object started, and returns once it has ended. Closing a sandbox again does
        /// nothing.
        public func close() async {
            await server?.close()
        }

        /// Returns the path of the program.
        static func program(
            in environment: [String: String] = ProcessInfo.processInfo.environment
        ) throws -> String {
            if let named = environment["HIGHTOUCH_SANDBOX"], !named.isEmpty { return named }
            for folder in (environment["PATH"] ?? "").split(separator: ":") {
                let path = "\(folder)/hightouch-sandbox"
                if FileManager.default.isExecutableFile(atPath: path) { return path }
            }
            throw SandboxError(
                "There is no program hightouch-sandbox on PATH. Install it with `pip install hightouch-sandbox`, or set "
                    + "HIGHTOUCH_SANDBOX to its path.")
        }
    #endif

    /// Returns the server that the worlds of this process share, and starts it if it does not run.
    ///
    /// - Returns: The server that the environment variable `HIGHTOUCH_SANDBOX_URL` names, or else a server that this
    ///   process starts.
    /// - Throws: ``SandboxError`` if the server cannot be started.
    public static func shared() async throws -> Sandbox {
        try await SharedSandbox.instance.sandbox()
    }

    /// Sends a request to the control interface of the sandbox, and returns the JSON of the answer.
    func control(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> Data {
        guard let address = URL(string: "\(url)/_worlds\(path)") else {
            throw SandboxError("\(url) is not the address of a sandbox.")
        }
        var request = URLRequest(url: address)
        request.httpMethod = method
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = body.map { Data($0.text.utf8) }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard let status = (response as? HTTPURLResponse)?.statusCode, status < 400 else {
            let refusal = try? JSONDecoder().decode(Refusal.self, from: data)
            throw SandboxError(refusal?.message ?? "The sandbox at \(url) refused \(method) \(path).")
        }
        return data
    }

    func control<Answer: Decodable>(
        _ method: String, _ path: String, _ body: JSONValue? = nil, as type: Answer.Type
    ) async throws -> Answer {
        try JSONDecoder().decode(type, from: try await control(method, path, body))
    }
}

private struct Refusal: Decodable {
    let message: String
}

/// The server that the worlds of this process share.
private actor SharedSandbox {
    static let instance = SharedSandbox()

    private var starting: Task<Sandbox, any Error>?

    func sandbox() async throws -> Sandbox {
        let task =
            starting
            ?? Task {
                if let url = ProcessInfo.processInfo.environment["HIGHTOUCH_SANDBOX_URL"], !url.isEmpty {
                    return Sandbox(connecting: url)
                }
                #if os(macOS) || os(Linux)
                    return try await Sandbox()
                #else
                    throw SandboxError("Set HIGHTOUCH_SANDBOX_URL to the address of a running sandbox.")
                #endif
            }
        starting = task
        do {
            return try await task.value
        } catch {
            // Forgets the failed start, so that the next world starts a server again.
            if starting == task { starting = nil }
            throw error
        }
    }
}

/// The sandbox could not be started, or it refused a setting or an argument. ``description`` says why.
public struct SandboxError: Error, LocalizedError, CustomStringConvertible, Sendable {
    /// What happened, and what to do.
    public let description: String

    init(_ description: String) { self.description = description }

    /// The same as ``description``.
    public var errorDescription: String? { description }
}
