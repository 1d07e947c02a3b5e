/** Another extension in the editor: its tool is one that the chat may be given. Remembers what it was asked. */
const vscode = require("vscode");

exports.activate = (context) => {
    const asked = [];
    context.subscriptions.push(
        vscode.lm.registerTool("test_weather", {
            invoke: ({input}) => {
                asked.push(input);
                return new vscode.LanguageModelToolResult([
                    new vscode.LanguageModelTextPart(`3 degrees in ${input.city}`),
                ]);
            },
        }),
    );
    return {asked};
};
