<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Decimal;
use Upline\Commission\Domain\Signature;
use Upline\Commission\Domain\Snapshot;
use Upline\Commission\Test\Unit\Recorded;

/**
 * Recorded orders of a real store give the bodies that the server's own tests read.
 */
class SnapshotTest extends TestCase
{
    private const SECRET = 'ups_recordedOrdersOfOneStore';

    /**
     * @return array<string, array{string, string[], string}>
     */
    public static function recorded(): array
    {
        return [
            'placed' => ['order-placed.json', [], 'placed.json'],
            'invoiced in part' => ['order-after-partial-invoice.json', [], 'invoiced_in_part.json'],
            'refunded' => ['order-after-full-invoice.json', ['creditmemo-partial.json'], 'invoiced_and_refunded.json'],
            'cancelled' => ['order-canceled.json', [], 'cancelled.json'],
        ];
    }

    /**
     * @dataProvider recorded
     * @param string $rest
     * @param string[] $memos
     * @param string $module
     */
    #[DataProvider('recorded')]
    public function testRecordedOrderGivesWhatTheServerReads(string $rest, array $memos, string $module): void
    {
        $want = Recorded::json('module/' . $module)['order'];
        $want['customer']['email_hash'] ??= '';
        $want['attribution'] = ['manual' => '', 'field' => ''];
        self::assertEqualsCanonicalizing(array_keys($want), array_keys(Snapshot::order(Recorded::record($rest, $memos))));
        self::assertEquals($want, Snapshot::order(Recorded::record($rest, $memos)));
    }

    /**
     * @dataProvider recorded
     * @param string $rest
     * @param string[] $memos
     */
    #[DataProvider('recorded')]
    public function testNetsAreTheRightAnswers(string $rest, array $memos): void
    {
        $want = Recorded::json('expected.json')['2.4.7-p6/' . $rest];
        $order = Snapshot::order(Recorded::record($rest, $memos));
        self::assertSame(array_column($want['rows'], 'sku'), array_column($order['lines'], 'sku'));
        foreach ($want['rows'] as $i => $row) {
            $line = $order['lines'][$i];
            self::assertSame($row['net'], substr($line['base']['net'], 0, -2), $row['sku']);
            self::assertSame($row['net_order_currency'], substr($line['placed']['net'], 0, -2), $row['sku']);
            self::assertSame($row['net_invoiced'], substr($line['base']['net_invoiced'], 0, -2), $row['sku']);
            self::assertSame($row['net_refunded'], substr($line['base']['net_refunded'], 0, -2), $row['sku']);
        }
        foreach (['base', 'placed'] as $side) {
            self::assertSame(0, $this->residue($order, $side), $side);
        }
    }

    /**
     * What the grand total says beyond the rows, tax and shipping, in ten-thousandths.
     *
     * @param array<string, mixed> $order
     * @param string $side
     */
    private function residue(array $order, string $side): int
    {
        $of = static fn (string $member): int => Decimal::fine($order[$side][$member]);
        $sum = $of('shipping') - $of('shipping_discount') + $of('shipping_discount_tax_compensation') + $of('tax');
        foreach ($order['lines'] as $line) {
            $sum += Decimal::fine($line[$side]['net']) + Decimal::fine($line[$side]['fixed_product_tax']);
        }
        return $of('grand_total') + $of('gift_cards') + $of('store_credit') + $of('reward') - $sum;
    }

    /**
     * The server's tests verify and read the very bytes that were signed here. UPDATE=1 writes them anew.
     */
    public function testSignedBodiesAreThoseOfTheServersTests(): void
    {
        $told = [];
        foreach (self::recorded() as $name => [$rest, $memos]) {
            $order = Snapshot::order(Recorded::record($rest, $memos));
            $id = 'evt_' . substr(hash('sha256', $name), 0, 32);
            $body = json_encode(Snapshot::event($order, [
                'site' => 'https://shop.example.com',
                'install_id' => str_repeat('0', 32),
                'versions' => ['plugin' => '1.0.0', 'platform' => '2.4.7-p6', 'host' => 'Magento Community', 'php' => '8.2.30'],
            ], $id, count($told) + 1, 'order.updated', 1795218690), JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
            $told[] = ['name' => $name, 'rest' => $rest, 'memos' => $memos, 'body' => $body]
                + Signature::headers(self::SECRET, $id, 1795218700, (string) $body);
        }
        $text = json_encode(
            ['secret' => self::SECRET, 'deliveries' => $told],
            JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE
        ) . "\n";
        $file = Recorded::path('signed.json');
        if (getenv('UPDATE') === '1') {
            file_put_contents($file, $text);
        }
        self::assertStringEqualsFile($file, $text);
    }

    /**
     * @return array<string, array{array<int, array<string, mixed>>, string[]}>
     */
    public static function trees(): array
    {
        $item = static fn (int $id, int $parent, bool $children, string $type = 'simple'): array => [
            'item_id' => (string) $id, 'parent_item_id' => $parent === 0 ? null : (string) $parent,
            'product_type' => $type, 'sku' => 'S' . $id, 'children_calculated' => $children,
        ];
        return [
            'simple rows' => [[$item(1, 0, false), $item(2, 0, false)], ['1', '2']],
            'configurable' => [[$item(1, 0, false, 'configurable'), $item(2, 1, false)], ['1']],
            'dynamic bundle' => [[$item(1, 0, true, 'bundle'), $item(2, 1, false), $item(3, 1, false)], ['2', '3']],
            'dynamic bundle without parts' => [[$item(1, 0, true, 'bundle')], ['1']],
            'fixed bundle' => [[$item(1, 0, false, 'bundle'), $item(2, 1, false)], ['1']],
            'three levels, dynamic' => [[
                $item(1, 0, true, 'bundle'), $item(2, 1, true, 'bundle'), $item(3, 2, false), $item(4, 1, false),
            ], ['3', '4']],
            'three levels, a configurable within' => [[
                $item(1, 0, true, 'bundle'), $item(2, 1, false, 'configurable'), $item(3, 2, false),
            ], ['2']],
            'children before parents' => [[$item(3, 9, false), $item(9, 0, true, 'bundle')], ['3']],
            'a parent that is gone' => [[$item(3, 8, false)], ['3']],
            'each other\'s parents' => [[$item(1, 2, true), $item(2, 1, true)], []],
        ];
    }

    /**
     * @dataProvider trees
     * @param array<int, array<string, mixed>> $items
     * @param string[] $want
     */
    #[DataProvider('trees')]
    public function testMoneyIsOnOneRowOfATree(array $items, array $want): void
    {
        $record = ['order' => ['entity_id' => '1'], 'items' => $items, 'memos' => [], 'attribution' => []];
        self::assertSame($want, array_column(Snapshot::order($record)['lines'], 'id'));
    }

    public function testBundleIsToldByItsOwnSkuWhereItsPartsMakeTheRows(): void
    {
        $bundle = ['item_id' => '1', 'product_type' => 'bundle', 'sku' => 'BUN-A-B', 'children_calculated' => false];
        $record = ['order' => ['entity_id' => '1'], 'items' => [$bundle + ['own_sku' => 'BUN']], 'memos' => [], 'attribution' => []];
        self::assertSame('BUN', Snapshot::order($record)['lines'][0]['bundle_sku']);
        $record['items'] = [$bundle + ['own_sku' => 'BUN-A-B']];
        self::assertSame('', Snapshot::order($record)['lines'][0]['bundle_sku']);
        $record['items'] = [$bundle]; // The product was deleted before it was ever told.
        self::assertSame('', Snapshot::order($record)['lines'][0]['bundle_sku']);
    }

    public function testAnAmountThatIsNoneIsRefusedAndNamed(): void
    {
        $record = Recorded::record('order-placed.json');
        $record['items'][0]['base_row_total'] = 'NaN';
        $this->expectException(\InvalidArgumentException::class);
        $this->expectExceptionMessage('"NaN" is no amount');
        Snapshot::order($record);
    }

    public function testCancelledCreditMemoIsNotTold(): void
    {
        $record = Recorded::record('order-after-full-invoice.json', ['creditmemo-partial.json']);
        self::assertCount(1, Snapshot::order($record)['refunds']);
        $record['memos'][0]['state'] = '3';
        self::assertSame([], Snapshot::order($record)['refunds']);
    }

    public function testAttributionTellsEvidenceWithTimes(): void
    {
        $record = Recorded::record('order-placed.json');
        $record['attribution'] = [
            'manual' => 'D-7', 'field' => 'anna', 'last' => ['ref' => 'ana', 'at' => 1795218600, 'path' => '/tea'],
        ];
        self::assertSame([
            'manual' => 'D-7',
            'field' => 'anna',
            'last' => ['ref' => 'ana', 'at' => '2026-11-20T23:50:00Z', 'path' => '/tea'],
        ], Snapshot::order($record)['attribution']);
    }

    public function testHashChangesWithContentAlone(): void
    {
        $record = Recorded::record('order-placed.json');
        $hash = Snapshot::hash(Snapshot::order($record));
        self::assertSame($hash, Snapshot::hash(Snapshot::order($record)));
        $record['order']['base_total_paid'] = '0.0001';
        self::assertNotSame($hash, Snapshot::hash(Snapshot::order($record)));
    }

    public function testNobodyIsNamed(): void
    {
        $text = (string) json_encode(Snapshot::order(Recorded::record('order-placed.json')));
        foreach (['j@example.com', '1 Main', '127.0.0.1', 'firstname', 'street', 'telephone'] as $personal) {
            self::assertStringNotContainsString($personal, $text);
        }
    }

    public function testTombstoneHasAnIdAndNoMore(): void
    {
        self::assertSame(['id' => '3', 'deleted' => true], Snapshot::tombstone(3));
    }
}
