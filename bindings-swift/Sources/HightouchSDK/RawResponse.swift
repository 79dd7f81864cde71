import Foundation

/// The server's response to a call, unchanged, and the value that the call's method returns for it.
///
/// ```swift
/// let response = try await ht.syncs.withRawResponse.get(7)
/// print(response.status, response.headers["date"] ?? "", response.text)
/// let sync = try await response.parse()
/// ```
///
/// The call throws for an error status, as its method without `withRawResponse` does. If the server reports an error in
/// a response of status 200, ``parse()`` throws it.
public struct RawResponse<Value>: Sendable {
    /// The HTTP status.
    public let status: Int
    /// The headers, with their names in lower case.
    public let headers: [String: String]
    /// The body, decompressed but otherwise as the server sent it.
    public let body: Data
    /// Statistics of the call.
    public let meta: CallMeta

    let response: Response
    let read: @Sendable (Response) throws -> Value

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Decodes the response. Sends nothing, and works after the client is closed.
    ///
    /// - Returns: The value that the method returns for this response. For a list it is the elements of this page.
    /// - Throws: The ``HightouchError`` that the method throws for this response.
    public func parse() async throws -> Value {
        if let failure = response.head.answer?.failure { throw failure }
        return try read(response)
    }
}

extension RawResponse: CustomStringConvertible {
    /// The method, the status and the size of the body.
    public var description: String { "\(meta.operation): \(status), \(body.count) bytes" }
}
