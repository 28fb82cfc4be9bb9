<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Snapshot;
use Upline\Commission\Test\Unit\Recorded;

/**
 * Rows of a real store's database make the orders that its module sent, which the server's own tests read.
 */
class StoreOrdersTest extends TestCase
{
    /**
     * @return array<string, array{array<string, mixed>}>
     */
    public static function orders(): array
    {
        $cases = [];
        foreach (glob(Recorded::path('store/*.json')) ?: [] as $file) {
            foreach (Recorded::json('store/' . basename($file))['orders'] as $order) {
                $cases[basename($file) . ' ' . $order['name']] = [$order];
            }
        }
        return $cases;
    }

    /**
     * @dataProvider orders
     * @param array<string, mixed> $order
     */
    #[DataProvider('orders')]
    public function testRowsOfTheDatabaseMakeWhatWasSent(array $order): void
    {
        self::assertSame($order['order'], Snapshot::order($order['record']));
    }

    /**
     * @dataProvider orders
     * @param array<string, mixed> $order
     */
    #[DataProvider('orders')]
    public function testNetsAreThoseOfCoreRest(array $order): void
    {
        $nets = static fn (string $side): array => array_map(
            static fn (array $line): string => substr($line[$side]['net'], 0, -2),
            Snapshot::order($order['record'])['lines']
        );
        self::assertSame(array_column($order['right']['rows'], 'net'), $nets('base'));
        self::assertSame(array_column($order['right']['rows'], 'net_order_currency'), $nets('placed'));
    }
}
