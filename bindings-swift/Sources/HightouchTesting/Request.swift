import Foundation
import HightouchSDK

/// A request that a world received, and how it was answered.
public struct Request: Sendable {
    /// The method of a client that sends the operation, such as `syncs.trigger`; nil if no method sends it.
    public let method: String?
    /// The operation of the API, such as `TriggerRun`; nil if the API has no such operation.
    public let operation: String?
    /// The HTTP method.
    public let httpMethod: String
    /// The path below the base URL.
    public let path: String
    /// The parameters of the query: each is a string, or an array of strings if the parameter is repeated.
    public let query: [String: JSONValue]
    /// The JSON of the body; nil if there is none.
    public let body: JSONValue?
    /// The headers, without the API key. Names are in lower case. Each value is a string, or an array of strings if the
    /// header is repeated.
    public let headers: [String: JSONValue]
    /// The status of the answer; nil if no answer was sent.
    public let status: Int?
    /// When the request arrived, in the time of the world.
    public let date: Date
    /// Whether the client closed the request before it had received the whole answer.
    public let isAbandoned: Bool
}

extension Request: Decodable {
    private enum CodingKeys: String, CodingKey {
        case operation, method, path, query, body, headers, status, at
        case gone = "gone_ms"
    }

    /// Decodes an entry of the sandbox's log.
    public init(from decoder: any Decoder) throws {
        let entry = try decoder.container(keyedBy: CodingKeys.self)
        let operation = try entry.decodeIfPresent(String.self, forKey: .operation)
        self.operation = operation
        method = methods.first { $0.operations.contains(operation ?? "") }?.name
        httpMethod = try entry.decode(String.self, forKey: .method)
        path = try entry.decode(String.self, forKey: .path)
        query = try entry.decode([String: JSONValue].self, forKey: .query)
        body = try entry.decodeIfPresent(JSONValue.self, forKey: .body)
        headers = try entry.decode([String: JSONValue].self, forKey: .headers)
            .filter { $0.key != "authorization" }
        status = try entry.decodeIfPresent(Int.self, forKey: .status)
        let at = try entry.decode(String.self, forKey: .at)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: at.contains("."))
        date = try Date(at, strategy: style)
        isAbandoned = entry.contains(.gone)
    }
}

/// Returns the operations of the API that a method sends. Throws a ``SandboxError`` if a client has no such method.
func operations(of method: String) throws -> [String] {
    if let found = methods.first(where: { $0.name == method }) { return found.operations }
    let near = methods.map(\.name).min { distance($0, method) < distance($1, method) }
    let hint = near.flatMap { distance($0, method) <= 4 ? " Did you mean \"\($0)\"?" : nil } ?? ""
    throw SandboxError("A client has no method \"\(method)\".\(hint)")
}

/// Returns how many letters must be inserted, deleted or replaced to turn one text into the other.
private func distance(_ one: String, _ other: String) -> Int {
    let letters = Array(other)
    var row = Array(0...letters.count)
    for (index, letter) in one.enumerated() {
        var last = row
        last[0] = index + 1
        for column in letters.indices {
            let replaced = row[column] + (letter == letters[column] ? 0 : 1)
            last[column + 1] = min(replaced, row[column + 1] + 1, last[column] + 1)
        }
        row = last
    }
    return row[letters.count]
}
