// The lanes written for Swift: lane LANE, which speaks with bench/run.py as every lane does.
//
// A line "one N", "page N" or "flight N" on standard input asks for N calls; the answer is a line with the nanoseconds
// of CPU that this process spent on them, all threads together, and those that went by.

import Foundation
import HightouchSDK

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

struct Failure: Error, CustomStringConvertible {
    let description: String
}

/// One client: reads a page of so many syncs, and says how many came.
protocol Lane: Sendable {
    func page(of count: Int) async throws -> Int
}

struct Typed: Lane {
    let client: Hightouch

    func page(of count: Int) async throws -> Int {
        try await client.syncs.list(limit: count).firstPage().items.count
    }
}

struct Untyped: Lane {
    let client: Hightouch

    func page(of count: Int) async throws -> Int {
        let query: [String: JSONValue] = ["orderBy": "id", "offset": 0, "limit": .int(count)]
        guard case .array(let rows)? = try await client.request("GET", "/syncs", query: query)["data"] else { return 0 }
        return rows.count
    }
}

/// The client that comes with Foundation, and its parser of JSON.
struct Foundations: Lane {
    let base: String

    func page(of count: Int) async throws -> Int {
        guard let url = URL(string: "\(base)/syncs?orderBy=id&offset=0&limit=\(count)") else { return 0 }
        var request = URLRequest(url: url)
        request.setValue("Bearer bench", forHTTPHeaderField: "Authorization")
        let (data, _) = try await URLSession.shared.data(for: request)
        let tree = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return (tree?["data"] as? [Any])?.count ?? 0
    }
}

/// User and system time of the whole process.
func cpuNanoseconds() -> Int {
    Int(clock()) * (1_000_000_000 / Int(CLOCKS_PER_SEC))
}

func several(_ lane: any Lane, of rows: Int, _ count: Int) async throws {
    for _ in 0..<count {
        let came = try await lane.page(of: rows)
        if came != rows { throw Failure(description: "\(came) syncs came where \(rows) were asked for") }
    }
}

let environment = ProcessInfo.processInfo.environment
let base = "\(environment["BENCH_URL"] ?? "")/api/v1"
let flight = 32

func client() throws -> Hightouch {
    // A window so short that its log, kept for two, is as long as the real one's: 400 ends.
    let limit = RateLimit(requests: 1_000_000, per: .milliseconds(20))
    let settings = Configuration(baseURL: base, limit: limit, caBundle: environment["BENCH_CA"])
    return try Hightouch(apiKey: "bench", configuration: settings)
}

let lane: any Lane =
    switch CommandLine.arguments.dropFirst().first {
    case "sdk": Typed(client: try client())
    case "sdk-untyped": Untyped(client: try client())
    case "urlsession": Foundations(base: base)
    case let other: throw Failure(description: "there is no lane \(other ?? "")")
    }

while let asked = readLine() {
    let words = asked.split(separator: " ")
    guard words.count == 2, let count = Int(words[1]) else { throw Failure(description: "a line is a case and a count") }
    let cpu = cpuNanoseconds()
    let begun = ContinuousClock.now
    if words[0] == "flight" {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<flight { group.addTask { try await several(lane, of: 1, count / flight) } }
            try await group.waitForAll()
        }
    } else {
        try await several(lane, of: words[0] == "page" ? 100 : 1, count)
    }
    let wall = begun.duration(to: .now).components
    let line = "\(cpuNanoseconds() - cpu) \(wall.seconds * 1_000_000_000 + wall.attoseconds / 1_000_000_000)\n"
    FileHandle.standardOutput.write(Data(line.utf8))
}
