import Foundation

/// The unchanged response of the server to a call. ``parse()`` decodes the response to the value that the method
/// without `withRawResponse` returns.
///
/// ```swift
/// let response = try await ht.syncs.withRawResponse.get(7)
/// print(response.status, response.headers["date"] ?? "", response.text)
/// let sync = try await response.parse()
/// ```
///
/// If the server responds with an error status, the call itself throws, as it does without `withRawResponse`. If the
/// server reports an error in a response of status 200, ``parse()`` throws that error.
public struct RawResponse<Value>: Sendable {
    /// The HTTP status.
    public let status: Int
    /// The headers, with their names in lower case. The API key is removed from the values.
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
    /// - Returns: The value that the method without `withRawResponse` returns for this response. For a list, the value
    ///   is an array with the elements of the page.
    /// - Throws: The ``HightouchError`` that the method without `withRawResponse` throws for this response.
    public func parse() async throws -> Value {
        if let failure = response.head.answer?.failure { throw failure }
        return try read(response)
    }
}

extension RawResponse: CustomStringConvertible {
    /// The method, the status and the size of the body.
    public var description: String { "\(meta.operation): \(status), \(body.count) bytes" }
}
