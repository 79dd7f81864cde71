import Foundation

@testable import HightouchSDK

/// Generates random values of the SDK's types. The same seed gives the same values.
struct Arbitrary: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next number of SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func one<Value>(of values: [Value]) -> Value { values[Int.random(in: values.indices, using: &self)] }

    mutating func maybe<Value>(_ make: (inout Arbitrary) -> Value) -> Value? {
        Bool.random(using: &self) ? make(&self) : nil
    }

    mutating func list<Value>(upTo most: Int = 3, from least: Int = 0, _ make: (inout Arbitrary) -> Value) -> [Value] {
        (0..<Int.random(in: least...most, using: &self)).map { _ in make(&self) }
    }

    mutating func map<Value>(_ make: (inout Arbitrary) -> Value) -> [String: Value] {
        Dictionary(list { ($0.text(), make(&$0)) }) { $1 }
    }

    mutating func text() -> String {
        let pieces = [
            "", "a", "orders", "Größe", "日本", "👩‍👩‍👧", "e\u{301}", "\u{0}", "\u{1F}", "\"", "\\", "/", "\n", "\u{2028}",
            "\u{FFFD}", "{{x}}", "</script>", "null", "1e5", "\u{10FFFF}", " ",
        ]
        return list(upTo: 4) { $0.one(of: pieces) }.joined()
    }

    mutating func word() -> String { one(of: ["email", "phone", "user_id", "x", "Ünïcode"]) }

    mutating func number() -> JSONValue {
        let whole: [Int] = [0, 1, -1, .max, .min, 1 << 53, (1 << 53) + 1, Int.random(in: .min ... .max, using: &self)]
        let broken: [Double] = [
            0.1, -0.0, 0.5, 1e300, -1e-300, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .pi,
            Double(bitPattern: next()),
        ]
        if Bool.random(using: &self) { return .int(one(of: whole)) }
        let double = one(of: broken)
        return .double(double.isFinite ? double : 2.5)
    }

    /// The text of a JSON value. It may contain numbers and repeated members that Swift's types cannot hold without
    /// loss.
    mutating func jsonText(depth: Int = 3) -> String {
        let blank = one(of: ["", " ", "\n\t"])
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &self) {
        case 0:
            let digits = String(list(upTo: 40, from: 1) { Character("\($0.one(of: Array(1...9)))") })
            return "\(one(of: ["", "-"]))\(digits)\(one(of: ["", ".0", ".50"]))\(one(of: ["", "e400", "E-7", "e+0"]))"
        case 1: return one(of: ["null", "true", "false", "0", "-0.0", "{}", "[ ]", #"{"$json":["1"]}"#])
        case 2, 3: return one(of: ["\(JSONValue.string(text()))", #""\u00e9\ud83d\ude00\/""#, #""é""#])
        case 4: return "[\(list(upTo: 4) { $0.jsonText(depth: depth - 1) }.joined(separator: "\(blank),"))]"
        default:
            let members = list(upTo: 4) { "\(JSONValue.string($0.text()))\(blank):\($0.jsonText(depth: depth - 1))" }
            return "{\(blank)\(members.joined(separator: ","))\(blank)}"
        }
    }

    /// A value of any shape, nested at most `depth` levels deep.
    mutating func json(depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return number()
        case 3, 4: return .string(text())
        case 5: return .array(list(upTo: 4) { $0.json(depth: depth - 1) })
        default: return .object(map { $0.json(depth: depth - 1) })
        }
    }

    /// An object. About one in eight is nested about a hundred levels deep.
    mutating func object() -> JSONValue {
        var members = map { $0.json() }
        if Int.random(in: 0..<8, using: &self) == 0 {
            members["deep"] = (0..<98).reduce(json(depth: 0)) { inner, level in
                level.isMultiple(of: 2) ? ["in": inner] : [inner]
            }
        }
        return .object(members)
    }
}

extension Arbitrary {
    /// A schedule of a kind that the API documents.
    mutating func schedule() -> Schedule {
        switch Int.random(in: 0..<5, using: &self) {
        case 0: rule(.interval(interval(unit: one(of: [.minute, .hour, .day, .week]))))
        case 1: rule(.cron(CronRule(expression: text())))
        case 2: rule(.visual(VisualRule(expressions: list(from: 1) { $0.expression() })))
        case 3: rule(.dbt(DbtRule(account: DbtAccount(id: text()), job: DbtJob(id: text()))))
        default: Schedule(type: "match_booster")
        }
    }

    /// A schedule of a kind that the API does not document.
    mutating func oddSchedule() -> Schedule {
        Bool.random(using: &self)
            ? rule(.unknown(.object(map { $0.json() }.merging(["moon": "full"]) { $1 })))
            : rule(.interval(interval(unit: "fortnight")))
    }

    private mutating func rule(_ rule: ScheduleRule) -> Schedule { Schedule(type: word(), schedule: rule) }

    private mutating func interval(unit: IntervalUnit) -> IntervalRule {
        IntervalRule(interval: Interval(unit: unit, quantity: Int.random(in: 1...1000, using: &self)))
    }

    private mutating func expression() -> VisualExpression {
        VisualExpression(
            days: VisualDays(
                monday: maybe { Bool.random(using: &$0) }, wednesday: maybe { Bool.random(using: &$0) },
                sunday: maybe { Bool.random(using: &$0) }), time: text())
    }

    mutating func guardrails() -> MessageGuardrails {
        MessageGuardrails(
            maxSendsPerUser: maybe { Int.random(in: 0...99, using: &$0) },
            maxSendsPerUserWindowDays: maybe { Int.random(in: 0...99, using: &$0) },
            minOtherMessagesInBetween: maybe { Int.random(in: 0...99, using: &$0) },
            firstEligibleSendDate: maybe { _ in "2026-01-02T03:04:05.000Z" },
            lastEligibleSendDate: maybe { _ in "2027-01-02T03:04:05.000Z" })
    }

    mutating func variable() -> MessageVariable {
        MessageVariable(
            name: text(),
            config: maybe {
                MessageVariableConfig(
                    localizationEnabled: $0.maybe { Bool.random(using: &$0) },
                    maxSendsPerUserWindowDays: $0.maybe { Int.random(in: 0...99, using: &$0) },
                    maxSendsPerUser: $0.maybe { Int.random(in: 0...99, using: &$0) })
            },
            variants: list {
                MessageVariant(
                    value: $0.text(), tags: $0.maybe { $0.map { $0.text() } },
                    firstEligibleSendDate: $0.maybe { _ in "2026-01-02T03:04:05.000Z" },
                    userAudienceFilter: $0.maybe { $0.object() }, localeValues: $0.maybe { $0.map { $0.text() } })
            })
    }

    mutating func event() -> EventSchema {
        EventSchema(
            schema: object(), onUndeclaredFields: maybe { $0.one(of: [.allowEvent, .blockEvent, .omitFields]) },
            onSchemaViolation: maybe { $0.one(of: [.allowEvent, .blockEvent]) }, version: maybe { $0.text() },
            slug: maybe { $0.word() }, name: maybe { $0.text() },
            type: one(of: [.track, .identify, .page, .screen, .group]))
    }

    mutating func component() -> EventDomainComponent {
        EventDomainComponent(
            slug: maybe { $0.word() }, name: text(), version: maybe { $0.text() }, description: maybe { $0.text() },
            schema: object(), imports: maybe { $0.list { $0.word() } })
    }
}
