/** A tool and a conversation in which it was called five times: enough for a very small model to call it the sixth time. */
import type {ChatTurn, ToolDescription} from "../../extension/protocol/engine.js";

export const weatherTool: ToolDescription = {
    name: "get_weather",
    description: "Weather of a city",
    parameters: {type: "object", properties: {city: {type: "string"}}, required: ["city"]},
};

export const weatherBefore: ChatTurn[] = (
    [
        ["Paris", "5 degrees"],
        ["Rome", "20 degrees"],
        ["Berlin", "9 degrees"],
        ["Madrid", "25 degrees"],
        ["London", "11 degrees"],
    ] as const
).flatMap(([city, weather], i): ChatTurn[] => [
    {role: "user", text: `What is the weather in ${city}?`},
    {
        role: "assistant",
        text: "",
        calls: [{id: `before-${i}`, name: "get_weather", arguments: JSON.stringify({city})}],
    },
    {role: "user", text: "", results: [{id: `before-${i}`, text: weather}]},
    {role: "assistant", text: `${weather} in ${city}.`},
]);
