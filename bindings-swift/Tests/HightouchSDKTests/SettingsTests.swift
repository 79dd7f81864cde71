import XCTest

@testable import HightouchSDK

final class SettingsTests: XCTestCase {
    private let canary = "canary-51ab"

    /// Durations that `timeout` and `deadline` do not accept, because they are not above zero.
    private let invalidDurations: [Duration] = [
        .zero, .seconds(-1), .milliseconds(-1), .nanoseconds(-1), .seconds(Int64.min),
    ]

    private func refusal(
        of apiKey: String? = nil, _ change: (inout Configuration) -> Void
    ) throws -> HightouchError {
        var configuration = Configuration()
        change(&configuration)
        var refusal: HightouchError?
        XCTAssertThrowsError(try hightouch(apiKey ?? canary, configuration, ["environment": [:]])) { error in
            refusal = error as? HightouchError
            XCTAssertFalse("\(error) \(String(reflecting: error))".contains(canary), "\(error)")
        }
        let error = try XCTUnwrap(refusal)
        XCTAssertEqual(error.kind, .config)
        return error
    }

    func testAnInvalidSettingIsNamedInTheErrorWithoutItsValue() throws {
        let urls = [
            "", "hightouch", "ftp://api.example.com", "http://api.example.com",
            "https://user:\(canary)@api.example.com",
        ]
        for url in urls {
            let error = try refusal { $0.baseURL = url }
            XCTAssertTrue(error.message.contains("`baseURL`"), error.message)
        }
        for url in ["socks4://\(canary)@proxy.example", "http://user:\(canary)@proxy.example:port"] {
            let error = try refusal { $0.proxy = Secret(url) }
            XCTAssertTrue(error.message.contains("proxy"), error.message)
        }
        for share in [0, -1, 1.5, .nan, .infinity] {
            let error = try refusal { $0.share = share }
            XCTAssertTrue(error.message.contains("share"), error.message)
        }
        XCTAssertTrue(try refusal { $0.maxRetries = -1 }.message.contains("maxRetries"))
        XCTAssertTrue(try refusal { $0.limit = RateLimit(requests: 0, per: .seconds(10)) }.message.contains("limit"))
        XCTAssertTrue(try refusal(of: canary + "\nsecond") { _ in }.message.contains("line break"))
    }

    func testAnInvalidDurationInASettingIsRejected() throws {
        for time in invalidDurations {
            XCTAssertTrue(try refusal { $0.timeout = time }.message.contains("`timeout`"), "\(time)")
            XCTAssertTrue(try refusal { $0.deadline = time }.message.contains("`deadline`"), "\(time)")
        }
        XCTAssertTrue(try refusal { $0.maxWait = .milliseconds(-1) }.message.contains("`maxWait`"))
    }

    func testAnInvalidDurationInAnOptionIsRejectedAndNothingIsSent() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        for time in invalidDurations {
            let cases = [("`timeout`", CallOptions(timeout: time)), ("`deadline`", CallOptions(deadline: time))]
            for (name, options) in cases {
                do {
                    _ = try await client.syncs.trigger(1, options: options)
                    XCTFail("\(name) of \(time) was accepted")
                } catch let error as HightouchError {
                    XCTAssertEqual(error.kind, .invalidRequest)
                    XCTAssertTrue(error.message.contains(name), error.message)
                }
            }
        }
        let requests = try await world.requests()
        XCTAssertTrue(requests.isEmpty)
    }

    /// A negative timeout must not count as zero, and a timeout beyond `Int64.max` milliseconds must not crash.
    func testAWaitWithAnInvalidTimeoutIsRejectedAndNothingIsSent() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client()
        let run = try await client.syncs.trigger(1)
        let sent = try await world.requests().count
        let far = Duration.seconds(Int64.max)
        let times: [Duration] = [.nanoseconds(-1), .seconds(-1), .seconds(Int64.min), far, far * 17]
        for time in times {
            do {
                try await run.wait(timeout: time)
                XCTFail("a timeout of \(time / .seconds(1)) seconds was accepted")
            } catch let error as HightouchError {
                XCTAssertEqual(error.kind, .invalidRequest)
                XCTAssertTrue(error.message.contains("timeout"), error.message)
            }
        }
        let after = try await world.requests().count
        XCTAssertEqual(after, sent)
        try await run.wait(timeout: .milliseconds(Int64.max))
    }

    func testTheClientsHeadersAreSentWithEveryRequestAndAnOptionReplacesThem() async throws {
        let world = try await Sandbox.running().world()
        let client = try world.client { $0.headers = ["X-Gateway": "door", "X-Team": "ops"] }
        try await client.syncs.trigger(1).wait()
        _ = try await client.diagnose()
        _ = try await client.syncs.get(1, options: CallOptions(headers: ["x-team": "sales"]))
        let headers = try await world.requests().map { $0["headers"] ?? .null }
        XCTAssertGreaterThanOrEqual(headers.count, 4)
        XCTAssertEqual(headers.map { $0["x-gateway"] }, headers.map { _ in "door" })
        XCTAssertEqual(headers.map { $0["x-team"] }, headers.dropLast().map { _ in "ops" } + ["sales"])
    }

    func testDurationsAreRoundedUpToWholeMilliseconds() {
        XCTAssertEqual(Duration.nanoseconds(1).milliseconds, 1)
        XCTAssertEqual(Duration.milliseconds(1500).milliseconds, 1500)
        XCTAssertEqual(Duration.milliseconds(-1).milliseconds, -1)
        XCTAssertEqual(Duration.microseconds(-1500).milliseconds, -1)
        XCTAssertEqual(Duration.seconds(Int64.max).milliseconds, .max)
        XCTAssertEqual(Duration.seconds(Int64.min).milliseconds, .min)
        XCTAssertEqual((Duration.seconds(Int64.max) * 17).milliseconds, .max)
    }
}
