<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\Response;

/**
 * What the tab of an order says of the server's answer.
 */
class OrderTabTest extends TestCase
{
    private const NOBODY = "Nobody's sale";

    public function testWhyASettledOrderEarnsNothing(): void
    {
        $text = $this->tab(['state' => 'settled', 'reason' => 'Placed <before> the start.', 'net' => '0.00']);
        self::assertStringContainsString('Placed &lt;before&gt; the start.', $text);
        self::assertStringNotContainsString(self::NOBODY, $text, 'nobody has looked whose sale it is');
        self::assertStringNotContainsString('Parked', $text);
    }

    public function testParkedAndNobodys(): void
    {
        $text = $this->tab(['state' => 'parked', 'reason' => 'No class.', 'mend' => 'Map it.']);
        self::assertMatchesRegularExpression('/Parked.*No class\..*Map it\./s', $text);
        self::assertStringContainsString(self::NOBODY, $this->tab(['state' => 'settled', 'reason' => '']));
    }

    /**
     * @param array<string, mixed> $told
     * @return string HTML
     */
    private function tab(array $told): string
    {
        $escaper = new class {
            public function __call(string $name, array $arguments): string
            {
                return htmlspecialchars((string) $arguments[0], ENT_NOQUOTES);
            }
        };
        $block = new class ($told) {
            public function __construct(private readonly array $told)
            {
            }

            public function ask(): Response
            {
                return new Response(200, data: $this->told);
            }

            public function getReference(): array
            {
                return [];
            }

            public function getDeliveries(): array
            {
                return [];
            }

            public function mayChoose(): bool
            {
                return false;
            }

            public function __call(string $name, array $arguments): mixed
            {
                return str_starts_with($name, 'get') ? new class {
                    public function __call(string $name, array $arguments): int
                    {
                        return 1;
                    }

                    public function __toString(): string
                    {
                        return '';
                    }
                } : null;
            }
        };
        ob_start();
        include __DIR__ . '/../../view/adminhtml/templates/order/explanation.phtml';
        return (string) ob_get_clean();
    }
}
