<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Integration;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\OrderReaderInterface;
use Upline\Commission\Domain\Snapshot;

/**
 * What is told of orders that a real Magento has in its tables.
 *
 * @magentoDbIsolation disabled
 * @magentoAppArea frontend
 */
class SnapshotTest extends TestCase
{
    use Connected;

    /**
     * The order as it would be told.
     *
     * @return array<string, mixed>
     */
    private function told(): array
    {
        $id = (int) $this->order()->getId();
        return Snapshot::order($this->make(OrderReaderInterface::class)->read([$id])[$id]);
    }

    /**
     * @magentoDataFixture Magento/Sales/_files/order_with_discount.php
     */
    public function testNetOfEachRowIsWhatItsTableSays(): void
    {
        $told = $this->told();
        $rows = [];
        foreach ($this->order()->getAllItems() as $item) {
            $net = (float) $item->getBaseRowTotal() - (float) $item->getBaseDiscountAmount()
                + (float) $item->getBaseDiscountTaxCompensationAmount();
            $rows[(string) $item->getId()] = sprintf('%.4F', $net);
        }
        $this->assertNotEmpty($rows);
        $this->assertSame($rows, array_column(array_map(
            static fn (array $line): array => ['id' => (string) $line['id'], 'net' => $line['base']['net']],
            $told['lines']
        ), 'net', 'id'));
    }

    /**
     * @magentoDataFixture Magento/Sales/_files/creditmemo_for_get.php
     */
    public function testACreditMemoIsInTheSnapshot(): void
    {
        $order = $this->order();
        $told = $this->told();
        $refunded = array_map(static fn (array $line): float => (float) $line['base']['net_refunded'], $told['lines']);
        $wanted = array_map(
            static fn ($item): float => (float) $item->getBaseAmountRefunded() - (float) $item->getBaseDiscountRefunded(),
            array_values($order->getAllItems())
        );
        $this->assertSame($wanted, array_values($refunded));
    }
}
