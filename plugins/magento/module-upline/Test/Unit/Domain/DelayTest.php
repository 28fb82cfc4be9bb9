<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Circuit;
use Upline\Commission\Domain\Delay;

class DelayTest extends TestCase
{
    public function testSteps(): void
    {
        $steps = array_map(static fn (int $n): int => Delay::after($n, 0), range(1, 8));
        self::assertSame([10, 60, 300, 900, 3600, 21600, 21600, 21600], $steps);
        self::assertSame(10, Delay::after(0, 0));
    }

    public function testJitterIsAFifthAtMost(): void
    {
        foreach (range(1, 9) as $attempts) {
            $least = Delay::after($attempts, 0);
            self::assertLessThanOrEqual($least * 1.2, Delay::after($attempts, 999));
            self::assertSame(Delay::after($attempts, 999), Delay::after($attempts, 5000));
        }
    }

    public function testRetryAfterIsHonoured(): void
    {
        self::assertSame(120, Delay::asked('120', 10));
        self::assertSame(10, Delay::asked('1', 10));
        self::assertSame(3600, Delay::asked('999999', 10));
        self::assertSame(21600, Delay::asked('60', 21600));
        foreach (['', 'soon', '-5', '1.5', 'Wed, 21 Oct 2026 07:28:00 GMT', "10\n20"] as $header) {
            self::assertSame(10, Delay::asked($header, 10), $header);
        }
    }

    public function testCircuitOpensAfterFiveFailuresAndProbesOnceAMinute(): void
    {
        $circuit = new Circuit();
        for ($i = 0; $i < 4; $i++) {
            $circuit = $circuit->failed(1000);
            self::assertFalse($circuit->isOpen());
            self::assertTrue($circuit->lets(1000));
        }
        $circuit = $circuit->failed(1000);
        self::assertTrue($circuit->isOpen());
        self::assertFalse($circuit->lets(1059));
        self::assertTrue($circuit->lets(1060));
        self::assertSame(1, $circuit->width(48));
        self::assertFalse($circuit->failed(1060)->lets(1119));
        self::assertSame(48, (new Circuit())->width(48));
    }
}
