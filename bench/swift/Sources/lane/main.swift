// Runs one lane of the benchmark in Swift: `lane LANE`. A lane is a client that is measured.
//
// Each line of standard input asks for N calls. `one N` reads one sync with each call, `page N` reads a page of 100
// syncs, and `flight N` reads one sync but makes several calls at once. After the calls of a line, the lane writes a
// line with the CPU time of this process, all threads included, and the elapsed time, both in nanoseconds.

import Foundation
import HightouchSDK

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

typealias Page = @Sendable (Int) async throws -> Int

struct Failure: Error {
    let what: String
}

let environment = ProcessInfo.processInfo.environment
let base = (environment["BENCH_URL"] ?? "") + "/api/v1"
let flight = 32
let key = "bench-0123456789abcdef0123456789abcdef01"

func sdk() throws -> Page {
    // The rate limit is so high that it never delays a call. The window is short, so that only a few hundred requests
    // count towards the rate limit at any time, as in real use.
    let limit = RateLimit(requests: 40_000, per: .milliseconds(20))
    let configuration = Configuration(baseURL: base, limit: limit, caBundle: environment["BENCH_CA"])
    let syncs = try Hightouch(apiKey: key, configuration: configuration).syncs
    return { try await syncs.list(limit: $0).firstPage().items.count }
}

/// URLSession on Linux trusts only the system's certificates. The script bench/swift/lane adds the certificate of the
/// benchmark to the system's certificates.
func urlSession() -> Page {
    let session = URLSession(configuration: .ephemeral)
    return { limit in
        guard let url = URL(string: "\(base)/syncs?orderBy=id&offset=0&limit=\(limit)") else { return 0 }
        var request = URLRequest(url: url)
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Accept")
        let (data, _) = try await session.data(for: request)
        let tree = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return (tree?["data"] as? [Any])?.count ?? 0
    }
}

@Sendable func several(_ page: Page, _ limit: Int, _ count: Int) async throws {
    for _ in 0..<count {
        let returned = try await page(limit)
        guard returned == limit else {
            throw Failure(what: "the server returned \(returned) syncs instead of \(limit)")
        }
    }
}

func nanoseconds(_ clock: clockid_t) -> Int {
    var time = timespec()
    clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

let page: Page = CommandLine.arguments.last == "sdk" ? try sdk() : urlSession()
while let line = readLine() {
    let words = line.split(separator: " ")
    guard words.count == 2, let count = Int(words[1]) else { throw Failure(what: "a line must be a case and a count") }
    let cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    let wall = nanoseconds(CLOCK_MONOTONIC)
    if words[0] == "flight" {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<flight { group.addTask { [page] in try await several(page, 1, count / flight) } }
            try await group.waitForAll()
        }
    } else {
        try await several(page, words[0] == "one" ? 1 : 100, count)
    }
    let took = "\(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) \(nanoseconds(CLOCK_MONOTONIC) - wall)\n"
    FileHandle.standardOutput.write(Data(took.utf8))
}
